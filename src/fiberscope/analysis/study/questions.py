"""The questions of a study, in the order in which they are read: to add one, write its function and a line here."""

from __future__ import annotations

from collections.abc import Sequence

from fiberscope.analysis.study.comparison import ask_comparison
from fiberscope.analysis.study.match import ask_match
from fiberscope.analysis.study.natural import ask_natural
from fiberscope.analysis.study.neighbourhood import ask_neighbourhood
from fiberscope.analysis.study.pairs import ask_pairs
from fiberscope.analysis.study.recognition import ask_recognition
from fiberscope.analysis.study.run import Question
from fiberscope.analysis.study.sight_answer import ask_sight
from fiberscope.analysis.study.variations import ask_variations
from fiberscope.analysis.study.walks_answer import ask_walks
from fiberscope.analysis.study.wanted import ask_wanted
from fiberscope.problem import FiberscopeError

QUESTIONS = (
    Question("recognition", "How well does it read?", "look at the images and how well they are read", ask_recognition),
    Question("sight", "What does it not see?", "split what the network sees from what it cannot see", ask_sight),
    Question("variations", "Which variations matter?", "try named variations, and how far each goes", ask_variations),
    Question("walks", "How far can one go?", "walk along the fibers, corrected and straight", ask_walks),
    Question("neighbourhood", "How large is a neighbourhood?", "widen a tube around each latent", ask_neighbourhood),
    Question("pairs", "Which metamers are there?", "find the metamers: looks like one, is another", ask_pairs),
    Question("wanted", "Is that wanted?", "ask judges what images of one latent look like", ask_wanted),
    Question("natural", "Which natural images share a latent?", "make natural images of one latent", ask_natural),
    Question("match", "When is a match a match?", "weigh the residuals against a null distribution", ask_match),
    Question("comparison", "How does it compare?", "set the networks side by side", ask_comparison),
)


def choose(names: Sequence[str]) -> tuple[Question, ...]:
    """The questions of these names, in reading order; all where none is named.

    Raises FiberscopeError, with the names that there are, for one that is none.
    """
    known = [question.name for question in QUESTIONS]
    wanted = [name for words in names for name in words.replace(",", " ").split()]
    unknown = [name for name in wanted if name not in known]
    if unknown or (names and not wanted):
        found = ", ".join(map(repr, unknown or names))
        raise FiberscopeError(f"only: there is no question {found}. Choose among {', '.join(known)}.")
    return tuple(question for question in QUESTIONS if not wanted or question.name in wanted)
