"""Every language without a profile of its own: nothing is cleaned, told apart or spoken."""

from kbserver.languages.profile import Profile

PROFILE = Profile("neutral")
