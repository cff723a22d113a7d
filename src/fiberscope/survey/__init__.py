"""Surveys: every image of a data set measured, on all cores, in records that outlive any kill."""

from fiberscope.survey.batch import Batch
from fiberscope.survey.compare import Comparison, compare_surveys
from fiberscope.survey.database import Rows
from fiberscope.survey.engines import Engine, open_engine
from fiberscope.survey.images import read_images
from fiberscope.survey.measure import Column, Measure
from fiberscope.survey.measures import open_measures, register
from fiberscope.survey.plan import Plan, read_plan
from fiberscope.survey.reading import Status, check_survey, export, query, status
from fiberscope.survey.report import write_comparison, write_report
from fiberscope.survey.run import Progress, resume_survey, run_survey
from fiberscope.survey.scene import Scene
from fiberscope.survey.stored import Fault
from fiberscope.survey.summary import SummaryTable, summary
from fiberscope.survey.trust import PythonFile, files_to_trust

__all__ = [
    "Batch",
    "Column",
    "Comparison",
    "Engine",
    "Fault",
    "Measure",
    "Plan",
    "Progress",
    "PythonFile",
    "Rows",
    "Scene",
    "Status",
    "SummaryTable",
    "check_survey",
    "compare_surveys",
    "export",
    "files_to_trust",
    "open_engine",
    "open_measures",
    "query",
    "read_images",
    "read_plan",
    "register",
    "resume_survey",
    "run_survey",
    "status",
    "summary",
    "write_comparison",
    "write_report",
]
