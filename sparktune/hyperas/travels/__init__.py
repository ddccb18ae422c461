"""What runs where trials do: pickled by value, so that executors need nothing of sparktune.

Its files import nothing of this package but each other.
"""

import sys

import cloudpickle

cloudpickle.register_pickle_by_value(sys.modules[__name__])
