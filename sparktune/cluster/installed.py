"""What of Spark and Java is installed on this machine."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from pathlib import Path

from .state import ClusterError

__all__ = ["find_java", "find_spark", "home_of_pyspark", "lacking_for_connect"]


def home_of_pyspark() -> Path | None:
    """The folder of the pyspark package, None where it is not installed."""
    try:
        spec = importlib.util.find_spec("pyspark")
    except (ImportError, ValueError):
        return None
    return None if spec is None or spec.origin is None else Path(spec.origin).parent


def find_spark() -> Path:
    """The folder with Spark's own programs: SPARK_HOME, else that of pyspark."""
    given = os.environ.get("SPARK_HOME")
    home = Path(given) if given else home_of_pyspark()
    if home is None:
        raise ClusterError("pyspark is not installed: pip install 'sparktune[spark]'")
    if not (home / "bin" / "spark-class").exists() or not (home / "jars").is_dir():
        why = "as pyspark-client is a client only: pip install 'sparktune[spark]'"
        if given:
            why = "so SPARK_HOME must name another folder"
        raise ClusterError(f"{home} has no Spark to start, {why}")
    return home


def find_java() -> Path:
    """The Java that Spark's programs would run."""
    home = os.environ.get("JAVA_HOME")
    if home:
        java = Path(home) / "bin" / "java"
        if not os.access(java, os.X_OK):
            raise ClusterError(f"JAVA_HOME is {home}, which has no bin/java: set it to a Java 17")
        return java
    found = shutil.which("java")
    if found is None:
        raise ClusterError(
            "Java was not found on the PATH, and JAVA_HOME is not set: install Java 17 "
            "(apt-get install openjdk-17-jre-headless, or see https://adoptium.net)"
        )
    return Path(found)


def lacking_for_connect(python: str) -> list[str]:
    """What Python workers under a Connect server need, and this Python does not have."""
    names = ["pyarrow", "pandas"]
    script = "import importlib.util, sys; print(*filter(lambda name: not importlib.util."
    script += "find_spec(name), sys.argv[1:]))"
    try:
        return subprocess.check_output(
            [python, "-c", script, *names], stderr=subprocess.DEVNULL, text=True, timeout=30
        ).split()
    except (OSError, subprocess.SubprocessError):
        return names
