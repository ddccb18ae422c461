"""How many trials a second do stores take, and what does a store add to a suggestion?

    python benchmarks/stores.py [--trials 1000] [--workers 8] [--rounds 3] [--peers PYTHON]
    python benchmarks/stores.py --chaos [--trials 2000] [--workers 8] [--databases sqlite]

PostgreSQL is a server of its own on this machine, SQLite a file; both sync what is committed to the
disk. Random search over ten parameters, an objective that returns at once.

- Trials a second: from the first trial that begins to the last that has ended, as the store has
  them; workers are there already. sparktune has one driver and so many workers; Optuna so many processes of
  `study.optimize` on its RDBStorage, run by the interpreter ``--peers`` in the same round.
- Suggestion: milliseconds of one suggestion of TPE with 10,000 trials, which a driver reads from the
  store before the first, against the same history in memory. What another driver records meanwhile,
  one trial between two suggestions, is part of it.
- Chaos: workers are killed at random and replaced, of two drivers one is killed and run again, and
  PostgreSQL restarted; then what was recorded is checked. Exits with 1 where it is wrong.
"""
