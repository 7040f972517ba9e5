"""When Python looks for circles of objects that nobody refers to any more."""

import gc

YOUNG = 50_000
"""Objects made and not yet gone at which it looks at them; by itself Python does at 700."""


def collect_seldom() -> None:
    """Look for garbage less often, and never among what was imported until now.

    A batch of a thousand events makes tens of thousands of rows, which go by themselves when it is done. Looking
    through them (and all that lives long) in its midst found nothing and took a third of the resolver's time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, 20, 20)
