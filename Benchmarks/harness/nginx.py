"""nginx in its three parts here: the upstream that plays NodeODM nodes, the plain proxy, and the store for PUT."""

import pathlib
import subprocess

from .processes import OTHER_CORE, PROXY_CORE, Program, children, free_port, wait_for

#: Common to all. One worker, as the gateway has one loop; keep-alive without end, so that no run pays for connects.
_MAIN = """
daemon off;
worker_processes 1;
user root;
pid {folder}/{name}.pid;
error_log {folder}/{name}.log error;
events {{ worker_connections 1024; }}
http {{
    default_type application/octet-stream;
    sendfile on;
    tcp_nodelay on;
    keepalive_timeout 1h;
    keepalive_requests 1000000000;
    client_max_body_size 0;
    client_body_temp_path {folder}/{name}-body;
    proxy_temp_path {folder}/{name}-proxy;
    fastcgi_temp_path {folder}/{name}-fastcgi;
    uwsgi_temp_path {folder}/{name}-uwsgi;
    scgi_temp_path {folder}/{name}-scgi;
    {content}
}}
"""

#: The answers of a node as far as the gateway asks: every task ends at once.
_NODE = """
server {{
    listen 127.0.0.1:{port} backlog=1024;
    access_log off;
    open_file_cache max=16 inactive=1h;
    open_file_cache_valid 1h;
    location = /info {{
        default_type application/json;
        return 200 '{{"version":"2.2.1","taskQueueCount":0,"maxImages":{images},"maxParallelTasks":4,"engine":"odm","engineVersion":"3.6.0"}}';
    }}
    location = /options {{ default_type application/json; return 200 '[]'; }}
    location = /task/new/init {{ default_type application/json; return 200 '{{"uuid":"$http_set_uuid"}}'; }}
    location /task/new/upload/ {{ default_type application/json; return 200 '{{"success":true}}'; }}
    location ~ ^/task/new/commit/(.+)$ {{ default_type application/json; return 200 '{{"uuid":"$1"}}'; }}
    location ~ ^/task/([^/]+)/info$ {{
        default_type application/json;
        return 200 '{{"uuid":"$1","name":"bench","dateCreated":1700000000000,"processingTime":1000,"status":{{"code":40}},"options":[],"imagesCount":{images},"progress":100,"output":[]}}';
    }}
    location ~ ^/task/[^/]+/output$ {{ default_type application/json; return 200 '[]'; }}
    location ~ ^/task/[^/]+/download/all\\.zip$ {{ default_type application/zip; alias {asset}; }}
}}
"""

#: Answers every request with the same bytes.
_FIXED = """
server {{
    listen 127.0.0.1:{port} backlog=1024;
    access_log off;
    location / {{ default_type application/json; return 200 '{body}'; }}
}}
"""

#: The access log is on, as the gateway's is, and buffered, which nginx has to be told.
_PROXY = """
access_log {folder}/{name}-access.log combined buffer=32k;
upstream peer {{ server 127.0.0.1:{upstream}; keepalive 128; }}
server {{
    listen 127.0.0.1:{port} backlog=1024;
    location / {{
        proxy_pass http://peer;
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        proxy_buffering off;
        proxy_buffer_size {buffer};
        proxy_buffers 8 {buffer};
        proxy_busy_buffers_size {buffer};
        proxy_request_buffering off;
        client_body_buffer_size 128k;
    }}
}}
"""

_STORE = """
server {{
    listen 127.0.0.1:{port} backlog=1024;
    access_log off;
    root {root};
    client_body_buffer_size 128k;
    location / {{ dav_methods PUT DELETE; create_full_put_path on; }}
}}
"""


class Nginx(Program):
    """A running nginx with one worker."""

    def __init__(self, name, content, core, folder, port):
        self.port = port
        configuration = pathlib.Path(folder) / f"{name}.conf"
        configuration.write_text(_MAIN.format(name=name, folder=folder, content=content))
        command = ["nginx", "-e", f"{folder}/{name}.log", "-p", folder, "-c", configuration]
        check = subprocess.run([*map(str, command), "-t"], capture_output=True, text=True)
        if check.returncode != 0:
            raise RuntimeError(check.stderr)
        super().__init__(name, command, core, folder)
        self.worker = wait_for(f"the start of {name}", self._worker)

    def _worker(self):
        self.check()
        found = children(self.pid)
        return found[0] if found else None

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"


def node(name, folder, asset, images):
    """A node that takes tasks of up to so many images and serves one asset for all."""
    port = free_port()
    return Nginx(name, _NODE.format(port=port, asset=asset, images=images), OTHER_CORE, folder, port)


def fixed(name, folder, body):
    port = free_port()
    escaped = body.replace("\\", "\\\\").replace("'", "\\'")
    assert "$" not in escaped, "nginx would take it for a variable"
    return Nginx(name, _FIXED.format(port=port, body=escaped), OTHER_CORE, folder, port)


def proxy(name, folder, upstream, buffer="128k"):
    port = free_port()
    content = _PROXY.format(name=name, folder=folder, port=port, upstream=upstream.port, buffer=buffer)
    return Nginx(name, content, PROXY_CORE, folder, port)


def store(name, folder, root):
    port = free_port()
    return Nginx(name, _STORE.format(port=port, root=root), OTHER_CORE, folder, port)
