"""Workers of a store as tasks of Spark."""

from .spark import SparkWorkers, run_workers, start_workers

__all__ = ["SparkWorkers", "run_workers", "start_workers"]
