"""What became of runs, as it was said."""

from libs.common.contracts.journey.run_progressed import RunProgressed
from libs.common.replay import kept

telling = kept(RunProgressed)
