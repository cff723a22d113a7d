import signal

import pytest

from fiberscope.survey.uninterrupted import uninterrupted


def test_an_interruption_waits_for_the_end_of_the_block():
    reached, before = [], signal.getsignal(signal.SIGINT)

    def block():
        with uninterrupted():
            signal.raise_signal(signal.SIGINT)
            reached.append(True)

    with pytest.raises(KeyboardInterrupt):
        block()
    assert reached
    assert signal.getsignal(signal.SIGINT) is before
