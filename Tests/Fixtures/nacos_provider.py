"""Instances that the PyPI package nacos-sdk-python registers at a Nacos by gRPC, for tests.

usage: nacos_provider.py SERVER NAMESPACE INSTANCES [USER PASSWORD]

SERVER is HOST:PORT. INSTANCES is a JSON list of objects with the SDK's own names: service_name, ip, port, and as wanted
group_name, cluster_name, weight, metadata. Of one service it registers one instance. On SIGTERM it deregisters all.
"""

import asyncio
import json
import os
import signal
import sys

from v2.nacos import (ClientConfigBuilder, DeregisterInstanceParam, GRPCConfig, NacosNamingService,
                      RegisterInstanceParam)


async def main():
    server, namespace, instances, *login = sys.argv[1:]
    folder = os.getcwd()
    builder = (ClientConfigBuilder().server_address(server).namespace_id(namespace).log_dir(folder)
               .cache_dir(folder).grpc_config(GRPCConfig(grpc_timeout=5000)))
    if login:
        builder = builder.username(login[0]).password(login[1])
    client = await NacosNamingService.create_naming_service(builder.build())
    instances = json.loads(instances)
    for instance in instances:
        await client.register_instance(RegisterInstanceParam(**instance))
    print("provider is ready", flush=True)
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    await stopped.wait()
    keys = ("service_name", "group_name", "cluster_name", "ip", "port")
    for instance in instances:
        await client.deregister_instance(DeregisterInstanceParam(**{k: instance[k] for k in keys if k in instance}))
    await client.shutdown()


asyncio.run(main())
