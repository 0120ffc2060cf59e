"""A Dubbo provider on the PyPI package apache-dubbo, for tests.

usage: dubbo_provider.py ZOOKEEPER ROOT SERVICE HOST PORT

Registers tri://HOST:PORT?service=SERVICE below ROOT and serves it on HOST:PORT until SIGTERM, on which it closes its
ZooKeeper session. The SDK listens on the very address that it registers, so HOST must be one of this machine's.
"""

import signal
import sys

import dubbo
from dubbo.configs import RegistryConfig, ServiceConfig
from dubbo.proxy.handlers import RpcMethodHandler, RpcServiceHandler
from dubbo.registry.zookeeper import kazoo_transport

STOP_SIGNALS = {signal.SIGTERM, signal.SIGINT}


def remember_clients():
    """The SDK keeps its ZooKeeper clients to itself and never closes them; a session is closed only by its client."""
    clients = []
    connect = kazoo_transport.KazooZookeeperTransport.connect

    def connect_and_remember(transport, url):
        client = connect(transport, url)
        clients.append(client)
        return client

    kazoo_transport.KazooZookeeperTransport.connect = connect_and_remember
    return clients


def main():
    zookeeper, root, service, host, port = sys.argv[1:]
    # Before any thread starts, so that all of them leave these signals to sigwait.
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    clients = remember_clients()
    registry = RegistryConfig.from_url(f"zookeeper://{zookeeper}?group={root.lstrip('/')}")
    hello = RpcMethodHandler.unary(lambda name: name, method_name="sayHello")
    handler = RpcServiceHandler(service, [hello])
    server = dubbo.Dubbo(registry_config=registry).create_server(ServiceConfig(handler, host=host, port=int(port)))
    server.start()
    print("provider is ready", flush=True)
    signal.sigwait(STOP_SIGNALS)
    for client in clients:
        client.stop()


if __name__ == "__main__":
    main()
