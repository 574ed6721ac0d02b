"""A study on disk: open, plan, run, resume, decide, export; the Python API."""

from quoth.study.create import create_demo, create_study
from quoth.study.pilot import ask
from quoth.study.study import Study, open_study

__all__ = ["Study", "ask", "create_demo", "create_study", "open_study"]
