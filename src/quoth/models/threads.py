"""How many threads linear algebra takes: one, where many small pieces of work run beside each other.

The matrices of one question are small: more threads for one product mostly wait for each other, and while they wait
they keep a core busy. Beside other work that made a product five times slower and the whole run twice as dear.
"""

from threadpoolctl import threadpool_limits


def one_thread() -> threadpool_limits:
    """Have numpy compute with one thread from now on, or, as a context manager, until the block ends."""
    return threadpool_limits(limits=1, user_api="blas")
