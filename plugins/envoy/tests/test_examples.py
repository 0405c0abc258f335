"""The examples are what Envoy reads, and close where they fail."""

from __future__ import annotations

from pathlib import Path

import envoy.extensions.filters.http.ext_proc.v3.ext_proc_pb2 as ext_proc
import envoy.extensions.filters.http.router.v3.router_pb2
import envoy.extensions.filters.network.http_connection_manager.v3.http_connection_manager_pb2 as manager
import envoy.extensions.upstreams.http.v3.http_protocol_options_pb2  # noqa: F401  # the bootstrap names it
import yaml
from envoy.config.bootstrap.v3.bootstrap_pb2 import Bootstrap
from google.protobuf.json_format import ParseDict
from handrail_envoy._packets import FULL_DUPLEX
from handrail_envoy._routes import load

EXAMPLES = Path(__file__).parents[3] / "docs" / "examples" / "envoy"


def _read(name):
    return yaml.safe_load((EXAMPLES / name).read_text())


def _check(filter_):
    assert not filter_.failure_mode_allow
    assert not filter_.allow_mode_override
    mode = filter_.processing_mode
    assert (mode.request_body_mode, mode.response_body_mode) == (FULL_DUPLEX, FULL_DUPLEX)
    send = type(mode).SEND
    named = (mode.request_header_mode, mode.response_header_mode, mode.request_trailer_mode, mode.response_trailer_mode)
    assert named == (send, send, send, send)


def test_the_example_for_envoy_is_a_bootstrap_of_envoy():
    bootstrap = ParseDict(_read("envoy.yaml"), Bootstrap())
    (listener,) = bootstrap.static_resources.listeners
    connections = manager.HttpConnectionManager()
    assert listener.filter_chains[0].filters[0].typed_config.Unpack(connections)
    guard = ext_proc.ExternalProcessor()
    assert connections.http_filters[0].typed_config.Unpack(guard)
    _check(guard)
    names = {cluster.name for cluster in bootstrap.static_resources.clusters}
    assert guard.grpc_service.envoy_grpc.cluster_name in names


def test_the_patch_for_istio_is_a_filter_of_envoy():
    (patch,) = _read("istio.yaml")["spec"]["configPatches"]
    filter_ = ParseDict(patch["patch"]["value"], manager.HttpFilter())
    guard = ext_proc.ExternalProcessor()
    assert filter_.typed_config.Unpack(guard)
    _check(guard)


def test_the_policies_of_other_gateways_stream_both_bodies_and_fail_closed():
    (policy,) = _read("envoy-gateway.yaml")["spec"]["extProc"]
    assert policy["failOpen"] is False
    assert {policy["processingMode"][side]["body"] for side in ("request", "response")} == {"FullDuplexStreamed"}
    (route,) = _read("agentgateway.yaml")["binds"][0]["listeners"][0]["routes"]
    guard = route["policies"]["extProc"]
    assert guard["failureMode"] == "failClosed"
    assert {guard["processingOptions"][f"{side}BodyMode"] for side in ("request", "response")} == {"fullDuplexStreamed"}


def test_the_configuration_of_the_example_can_be_used():
    routes = load(EXAMPLES / "guard")
    assert routes.default == "default"
    assert routes.rails["default"].composition.output_rails
