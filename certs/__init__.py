"""The lab's PKI: authorities, and the cast of good and bad certificates by name.

Everything is issued in memory, relative to a given moment; files are written only on request (``certs.files``). The
rule of the package: a private key leaves a value only as PKCS#8 or PKCS#12 for a file with mode 0600.
"""
