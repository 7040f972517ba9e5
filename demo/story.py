"""The demo from first call to last figure."""

import time
from dataclasses import dataclass, field
from datetime import timedelta

from rich.console import Console

from demo import measure
from demo.api import Api
from demo.figures import Figures
from demo.replay import Replay, post_all, replay
from demo.response import EFFECT, VISITED, compare, orders_after, visits, win_back_runs
from demo.setting_up import Workspace, set_up
from demo.shopping import Shopping
from demo.sink import MailSink
from demo.stream import Encoded, encode, last_joined
from demo.touchpoints import Touchpoints
from launcher.stack import Stack


@dataclass
class Story:
    """One run of the demo over a started system."""

    console: Console
    stack: Stack
    sink: MailSink
    shopping: Shopping
    world: dict[int, Touchpoints]
    calls: list[Encoded]
    step: timedelta
    seconds: dict[str, float] = field(default_factory=dict)
    name: str = "demo"
    workspace: Workspace | None = None

    async def tell(self) -> Figures:
        """Set up, replay, measure."""
        workspace = await set_up(self.stack, self.stack.home.root, len(self.shopping.households), self.name)
        self.workspace = workspace
        self._introduce(workspace)
        figures = Figures(households=len(self.shopping.households), step_seconds=self.step.total_seconds())
        api = Api(self.stack, workspace.secret_key)
        try:
            before = time.perf_counter()
            result = await replay(api, workspace, self.calls, self.step)
            elapsed = time.perf_counter() - before
            with self.console.status("measuring"):
                await self._measure(api, workspace, figures, result)
        finally:
            await api.close()
        figures.events_per_second = len(self.calls) / elapsed
        figures.instants = result.instants
        figures.segments = [(f"{at:%Y-%m-%d}", sizes) for at, sizes in result.sizes]
        self.seconds |= {"posting": result.seconds_posting, "clock and draining": result.seconds_clock}
        figures.seconds = self.seconds
        figures.restarts = [line for line in self.stack.lines if "again" in line]
        return figures

    def _introduce(self, workspace: Workspace) -> None:
        self.console.print(
            f"{len(self.shopping.households):,} households of 2017 (The Complete Journey, 84.51°, simulated from real"
            f" shopping), {self.shopping.lines:,} order lines, {len(self.calls):,} calls."
        )
        hours = self.step.total_seconds() / 3600
        self.console.print(
            f"The clock is driven {hours:,.0f} hours at a time; what falls due in between is done at the end."
        )
        self.console.print("Cookies, devices, WeChat ids and visits are [bold]generated[/], with known truth.")
        if not workspace.fresh:
            self.console.print("This workspace has seen these calls before: nothing should change.")

    async def _measure(self, api: Api, workspace: Workspace, figures: Figures, result: Replay) -> None:
        household_of = await measure.recognition(api, figures, self.world, last_joined(self.calls))
        await self._response(api, workspace, figures, result, household_of)
        await measure.counts(api, figures, result)
        await measure.journeys(api, figures, workspace)
        await measure.messages(api, figures)
        figures.sink_messages, figures.sink_doubled = self.sink.messages, self.sink.doubled
        figures.reconciliation.lines_published = self.shopping.lines
        figures.reconciliation.lines_rejoined = await measure.rejoined_lines(api)

    async def _response(
        self, api: Api, workspace: Workspace, figures: Figures, result: Replay, household_of: dict[str, int]
    ) -> None:
        """Post the generated visits, then ask the system who came: the known effect must be found again."""
        runs = await win_back_runs(api, workspace.journey_ids["win-back"], household_of)
        households = {household.household_id: household for household in self.shopping.households}
        ordered = {run.household_id for run in runs if orders_after(run, households[run.household_id])}
        figures.control_check, figures.effect_known = compare(runs, ordered), EFFECT
        generated = visits(runs, self.world)
        figures.visits_generated = len(generated)
        await post_all(api, workspace, result, encode(generated))
        await api.get("identity", "/v1/identity/drained", wait=True)
        member = {("user_id", "main", self.world[run.household_id].member): run.household_id for run in runs}
        found = await measure.resolve(api, list(member))
        numbers = await measure.person_numbers(api, list(found.values()))
        person_no_of = {member[identifier]: numbers[person] for identifier, person in found.items()}
        figures.effect_found = compare(runs, await measure.visited(api, person_no_of, person_no_of, VISITED))

    def worth_trying(self) -> list[str]:
        """Return three curl lines for the running system."""
        if self.workspace is None:
            return []
        key = f"-H 'Authorization: Bearer {self.workspace.secret_key}'"
        member = self.world[self.shopping.households[0].household_id].member
        identity, segment = self.stack.url("identity"), self.stack.url("segment")
        question = (
            '{"definition": {"did": "Order Completed", "count": {"op": "gte", "n": 3}, "window": {"last": "30 days"}}}'
        )
        journey = self.workspace.journey_ids.get("win-back", "")
        return [
            f"curl -s '{identity}/v1/identity/persons/by-identifier?namespace=user_id&scope=main&value={member}' {key}",
            f"curl -s '{segment}/v1/segment/preview' {key} -H 'Content-Type: application/json' -d '{question}'",
            f"curl -s '{self.stack.url('journey')}/v1/journey/journeys/{journey}/funnel' {key}",
        ]
