class WriterLock:
    pass
