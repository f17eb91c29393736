from kbserver.console.tables import ACTIONS, RESOURCES


def test_no_two_resources_or_actions_have_the_same_address():
    paths = [one.path for one in RESOURCES]
    assert len(paths) == len(set(paths))
    done = [(one.method, one.path) for one in ACTIONS]
    assert len(done) == len(set(done))
