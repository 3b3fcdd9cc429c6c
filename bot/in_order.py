"""Rasa's seam for running its graph of components: one after the other, in this thread."""

from __future__ import annotations

from typing import Any, TypeVar

from rasa.engine.exceptions import GraphRunError
from rasa.engine.runner.dask import DaskGraphRunner

Component = TypeVar("Component")


class InOrder(DaskGraphRunner):  # type: ignore[misc]
    """Runs a graph by asking each node for its inputs. Planning the same few nodes anew for each run costs dask 1 ms a turn."""

    @classmethod
    def of(cls, runner: DaskGraphRunner) -> InOrder:
        """The same graph, with the components that a runner has loaded."""
        same = cls.__new__(cls)
        same.__dict__.update(runner.__dict__)
        return same

    def component(self, kind: type[Component]) -> Component:
        """The graph's component of a class; LookupError when it has none."""
        for node in self._instantiated_nodes.values():
            if isinstance(node._component, kind):
                return node._component
        raise LookupError(f"the graph has no {kind.__name__}; train anew")

    def run(self, inputs: dict[str, Any] | None = None, targets: list[str] | None = None) -> dict[str, Any]:
        """The targets' outputs by their names; GraphRunError for an input that has a node's name."""
        outputs = {name: (name, value) for name, value in (inputs or {}).items()}
        if clash := outputs.keys() & self._instantiated_nodes.keys():
            raise GraphRunError(f"the inputs {sorted(clash)} are also nodes of the graph")

        def output(name: str) -> Any:
            if name not in outputs:
                needs = self._graph_schema.nodes[name].needs.values()
                outputs[name] = self._instantiated_nodes[name](*(output(need) for need in needs))
            return outputs[name]

        return dict(output(target) for target in targets or self._graph_schema.target_names)
