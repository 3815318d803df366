"""Puts one gate together from a site's folder: store, keys, bundles, transports, dispatch. Decides nothing."""

from syncgate.bootstrap.opening import OpenStore, data_folder, open_store, store_url
from syncgate.bootstrap.place import SitePlace
from syncgate.bootstrap.running import Running, running_gate

__all__ = ["OpenStore", "Running", "SitePlace", "data_folder", "open_store", "running_gate", "store_url"]
