"""Readers and input/output modules on an OSDP line (IEC 60839-11-5), through libosdp."""
