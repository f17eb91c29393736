"""What an fp32 export is checked on."""

SAMPLES = (
    "how do i reset my pin",
    "ok",
    "",
    "  The BOILER shows\tF28 —\nwhat does that mean?  ",
    "Öffnungszeiten am Sonntag? ¿Cuánto cuesta la tarifa básica? 営業時間は何時ですか 🎉",
    "The engineer calls thirty minutes before the visit. " * 15,
    "One two three four five six seven eight nine ten. " * 200,
)
"""Short, nothing, odd white space, capitals, other scripts, long, and over any limit."""
