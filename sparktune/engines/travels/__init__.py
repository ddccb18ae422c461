"""What runs where trials run: it imports the standard library, and pyspark in Spark's tasks."""
