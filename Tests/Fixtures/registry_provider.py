"""Instances that the PyPI packages py-consul and py-eureka-client register, for tests.

usage: registry_provider.py consul SERVER INSTANCES
       registry_provider.py eureka URL[,URL...] INSTANCES

INSTANCES is a JSON list of objects: service, ip, port, and as wanted meta (an object), tags (a list) and zone. On SIGTERM it
deregisters all of them.
"""

import json
import signal
import sys
import threading

kind, server, instances = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
stopped = threading.Event()
for number in (signal.SIGTERM, signal.SIGINT):
    signal.signal(number, lambda *_: stopped.set())


def consul_instances():
    import consul

    host, port = server.split(":")
    client = consul.Consul(host=host, port=int(port))
    ids = []
    for instance in instances:
        id = f"{instance['service']}-{instance['ip']}-{instance['port']}"
        client.agent.service.register(
            instance["service"], service_id=id, address=instance["ip"], port=instance["port"],
            tags=instance.get("tags"), meta=instance.get("meta"), check=consul.Check.ttl("3s"))
        client.agent.check.ttl_pass("service:" + id)
        ids.append(id)
    print("provider is ready", flush=True)
    while not stopped.wait(0.5):
        for id in ids:
            client.agent.check.ttl_pass("service:" + id)
    for id in ids:
        client.agent.service.deregister(id)


def eureka_instances():
    import py_eureka_client.eureka_client as eureka

    clients = []
    for instance in instances:
        client = eureka.EurekaClient(
            eureka_server=server, app_name=instance["service"], instance_host=instance["ip"],
            instance_ip=instance["ip"], instance_port=instance["port"], metadata=instance.get("meta"),
            should_discover=False, renewal_interval_in_secs=instance.get("renewal", 2),
            duration_in_secs=instance.get("lease", 6))
        import asyncio

        loop = asyncio.new_event_loop()
        threading.Thread(target=loop.run_forever, daemon=True).start()
        asyncio.run_coroutine_threadsafe(client.start(), loop).result(60)
        clients.append((client, loop))
    print("provider is ready", flush=True)
    stopped.wait()
    for client, loop in clients:
        asyncio.run_coroutine_threadsafe(client.stop(), loop).result(60)


consul_instances() if kind == "consul" else eureka_instances()
