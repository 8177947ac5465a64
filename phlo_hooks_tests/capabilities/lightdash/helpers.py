"""A LightdashResource on a server of ours, and a refresh from its beginning to its end."""

from __future__ import annotations

import json
from typing import Any

from phlo_hooks.capabilities import LightdashResource
from phlo_hooks.semantics import ModelWork, Progress, Work
from phlo_hooks_tests.capabilities.lightdash.server import PROJECT, Lightdash

EXPLORES = {"orders": ["marts/orders", "marts/customers"], "customers": ["marts/customers"]}


def resource_on(lightdash: Lightdash, **fields: Any) -> LightdashResource:
    ours = {
        "url": lightdash.url,
        "token": lightdash.token,
        "project": PROJECT,
        "explores": EXPLORES,
        "timeout": 5.0,
    }
    return LightdashResource(**{**ours, **fields})


def work_on(*explores: str, recompile: bool = False) -> Work:
    return Work(tuple(ModelWork(each) for each in explores), recompile)


def refreshed(resource: LightdashResource, work: Work) -> Progress:
    """Look until it has ended, with what is left of the last look after it was kept."""
    progress = resource.begin(work)
    for _ in range(20):
        if progress.state != "running":
            return progress
        progress = resource.look(work, json.loads(json.dumps(progress.jobs)))
    raise AssertionError("it does not end")
