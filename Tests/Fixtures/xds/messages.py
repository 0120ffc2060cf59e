"""Writes messages.json: resources and a real istiod's conversation as another implementation of Protocol Buffers
encodes them. Needs grpcio-tools. Run it in this folder; the unit tests compare with its result."""
import json, os, subprocess, sys, tempfile
from google.protobuf import json_format

out = tempfile.mkdtemp()
subprocess.run([sys.executable, "-m", "grpc_tools.protoc", "-Iproto", f"--python_out={out}",
                "istio.proto", "mcp.proto", "discovery.proto"], check=True)
sys.path.insert(0, out)
import istio_pb2, mcp_pb2, discovery_pb2

def encoded(message):
    return message.SerializeToString(deterministic=True).hex()

SERVICES = {
    "service": {
        "hosts": ["com.acme.orders.mesh"], "addresses": ["240.17.3.9"],
        "ports": [{"number": 20880, "name": "tcp-dubbo", "protocol": "TCP"}],
        "location": "MESH_INTERNAL", "resolution": "STATIC", "exportTo": ["*"],
        "endpoints": [
            {"address": "10.0.0.9", "ports": {"tcp-dubbo": 20881}, "weight": 200,
             "labels": {"version": "1.2", "empty": "", "service.istio.io/canonical-name": "orders"}},
            {"address": "fd00::9", "ports": {"tcp-dubbo": 20880}, "locality": "east/a/1"}]},
    "empty": {
        "hosts": ["a.mesh"], "ports": [{"number": 80, "name": "http", "protocol": "HTTP"}],
        "location": "MESH_EXTERNAL", "resolution": "DNS", "endpoints": []},
    "selecting": {
        "hosts": ["a.mesh"], "ports": [{"number": 80, "name": "http", "protocol": "HTTP"}],
        "location": "MESH_INTERNAL", "resolution": "NONE",
        "workloadSelector": {"labels": {"isthmus.mesh/service": "0123"}}}}
WORKLOADS = {"workload": {"address": "h.example", "ports": {"b": 2, "a": 65535}, "labels": {"k": "v"}, "weight": 1}}
RULES = {
    "rule": {
        "host": "*.mesh", "exportTo": ["."],
        "subsets": [{"name": "v1", "labels": {"version": "1"}}],
        "trafficPolicy": {
            "connectionPool": {"tcp": {"maxConnections": 7}},
            "loadBalancer": {"localityLbSetting": {"enabled": False}},
            "outlierDetection": {
                "consecutive5xxErrors": 0, "consecutiveGatewayErrors": 0, "splitExternalLocalOriginErrors": True,
                "consecutiveLocalOriginFailures": 2, "interval": "1.5s", "baseEjectionTime": "10s",
                "maxEjectionPercent": 50, "minHealthPercent": 10}}}}

resources = []
for kind, objects in [("ServiceEntry", SERVICES), ("WorkloadEntry", WORKLOADS), ("DestinationRule", RULES)]:
    for name, spec in objects.items():
        body = json_format.ParseDict(spec, getattr(istio_pb2, kind)())
        wrapped = mcp_pb2.Resource()
        wrapped.metadata.name = f"dubbo/{name}"
        wrapped.metadata.create_time.seconds = 1790000000
        wrapped.metadata.version = "7"
        wrapped.metadata.labels.update({"b": "2", "a": "1"})
        wrapped.metadata.annotations.update({"isthmus.mesh/registries": "zk"})
        wrapped.body.Pack(body, deterministic=True)
        response = discovery_pb2.DiscoveryResponse()
        response.resources.add().Pack(wrapped, deterministic=True)
        resources.append({"kind": kind, "name": name, "spec": spec, "body": encoded(body),
                          "any": encoded(response.resources[0])})

def conversation(value, place, found):
    """Every recorded request and response, wherever it stands in a recording."""
    if isinstance(value, dict):
        if "request" in value:
            message = json_format.ParseDict(value["request"], discovery_pb2.DiscoveryRequest())
            found.append({"place": place, "request": encoded(message), "type": message.type_url,
                          "nonce": message.response_nonce})
        if "response" in value:
            try:
                message = json_format.ParseDict(value["response"], discovery_pb2.DiscoveryResponse())
                # The recording counted the objects' bytes as the full definitions in Go encode them.
                assert sum(len(object.value) for object in message.resources) == value["bytes"], place
                found.append({"place": place, "response": encoded(message), "type": message.type_url,
                              "resources": len(message.resources)})
            except json_format.ParseError as error:
                found.append({"place": place, "unreadable": str(error)[:80]})
        for key, element in value.items():
            if key not in ("request", "response"):
                conversation(element, place, found)
    elif isinstance(value, list):
        for element in value:
            conversation(element, place, found)
    return found

recorded = []
for name in sorted(os.listdir("../mcp")):
    if name.endswith(".json"):
        conversation(json.load(open(f"../mcp/{name}")), name, recorded)
with open("messages.json", "w") as file:
    json.dump({"resources": resources, "recorded": recorded}, file, indent=1)
    file.write("\n")
print(len(resources), "resources,", len(recorded), "recorded messages,",
      [r["unreadable"] for r in recorded if "unreadable" in r])
