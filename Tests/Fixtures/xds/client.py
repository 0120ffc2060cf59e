"""Asks a config source as istiod does, with code that is generated from the public field numbers and with gRPC's own
library. It prints a JSON line for each response, acknowledges it, and ends after SECONDS.

    client.py HOST:PORT SECONDS [CA-FILE]
"""
import json, os, queue, subprocess, sys, tempfile, threading
import grpc
from google.protobuf import json_format

here = os.path.dirname(os.path.abspath(__file__))
out = tempfile.mkdtemp()
subprocess.run([sys.executable, "-m", "grpc_tools.protoc", f"-I{here}/proto", f"--python_out={out}",
                f"--grpc_python_out={out}", "istio.proto", "mcp.proto", "discovery.proto"], check=True)
sys.path.insert(0, out)
import discovery_pb2, discovery_pb2_grpc, istio_pb2, mcp_pb2

TYPES = ["core/v1alpha1/MeshConfig", "networking.istio.io/v1/DestinationRule", "networking.istio.io/v1/Gateway",
         "networking.istio.io/v1alpha3/ServiceEntry", "networking.istio.io/v1/VirtualService",
         "networking.istio.io/v1/WorkloadEntry"]
target, seconds = sys.argv[1], float(sys.argv[2])
options = [("grpc.max_receive_message_length", -1),
           # A client that pings every second, also without a call.
           ("grpc.keepalive_time_ms", 1000), ("grpc.keepalive_permit_without_calls", 1),
           ("grpc.http2.max_pings_without_data", 0)]
if len(sys.argv) > 3:
    credentials = grpc.ssl_channel_credentials(open(sys.argv[3], "rb").read())
    channel = grpc.secure_channel(target, credentials, options)
else:
    channel = grpc.insecure_channel(target, options)

requests = queue.Queue()
node = discovery_pb2.Node(id="sidecar~127.0.0.1~python.istio-system~istio-system.svc.cluster.local")
node.metadata.update({"GENERATOR": "api", "ISTIO_REVISION": "default"})
for index, name in enumerate(TYPES):
    requests.put(discovery_pb2.DiscoveryRequest(type_url=name, response_nonce="mine", node=None if index else node))
stream = discovery_pb2_grpc.AggregatedDiscoveryServiceStub(channel).StreamAggregatedResources(iter(requests.get, None))
threading.Timer(seconds, stream.cancel).start()
try:
    for response in stream:
        objects = []
        for any in response.resources:
            wrapped = mcp_pb2.Resource()
            assert any.Unpack(wrapped), any.type_url
            kind = wrapped.body.type_url.split(".")[-1]
            body = getattr(istio_pb2, kind)()
            assert wrapped.body.Unpack(body), wrapped.body.type_url
            objects.append({"name": wrapped.metadata.name, "version": wrapped.metadata.version,
                            "created": wrapped.metadata.create_time.seconds,
                            "labels": dict(wrapped.metadata.labels), "kind": kind,
                            "spec": json_format.MessageToDict(body)})
        print(json.dumps({"type": response.type_url, "version": response.version_info, "objects": objects}), flush=True)
        requests.put(discovery_pb2.DiscoveryRequest(
            type_url=response.type_url, version_info=response.version_info, response_nonce=response.nonce, node=node))
except grpc.RpcError as error:
    if error.code() != grpc.StatusCode.CANCELLED:
        print(json.dumps({"error": str(error.code()), "details": error.details()}), flush=True)
        sys.exit(1)
