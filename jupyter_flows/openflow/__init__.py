"""Windmill's flows (OpenFlow) read and written anew as notebooks. Pure: text in, a notebook out."""
