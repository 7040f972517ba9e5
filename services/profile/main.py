"""Composition of the profile service."""

import services.profile.api
import services.profile.jobs
import services.profile.subscribers
import services.profile.usecases.tellings
from libs.common.service import ServiceDefinition, no_parts, serve
from services.profile.settings import ProfileSettings

definition: ServiceDefinition[None] = ServiceDefinition(
    name="profile",
    title="profile",
    settings=ProfileSettings,
    api=services.profile.api,
    subscribers=services.profile.subscribers,
    jobs=services.profile.jobs,
    tellings=services.profile.usecases.tellings,
    parts=no_parts,
)

if __name__ == "__main__":
    serve(definition)
