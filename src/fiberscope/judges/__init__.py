"""Judges: whether what a network cannot tell apart is wanted, decided by classifiers independent of it."""

from fiberscope.judges.cards import JudgeCard
from fiberscope.judges.collisions import CollisionRates, collision_rates, worst_collisions
from fiberscope.judges.judge import Judge, ModuleJudge, from_module
from fiberscope.judges.library import judge_card, load_judge, shipped_panel
from fiberscope.judges.panel import Opinions, Panel, Remembers, Verdict, decide
from fiberscope.judges.train import JudgeProgress, train_judges

__all__ = [
    "CollisionRates",
    "Judge",
    "JudgeCard",
    "JudgeProgress",
    "ModuleJudge",
    "Opinions",
    "Panel",
    "Remembers",
    "Verdict",
    "collision_rates",
    "decide",
    "from_module",
    "judge_card",
    "load_judge",
    "shipped_panel",
    "train_judges",
    "worst_collisions",
]
