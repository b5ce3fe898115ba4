"""The way between cloud and premises: the Connectivity service, the Cloud Connector and the tunnel they share.

``cloud`` plays SAP's Connectivity service, ``on_premise`` the customer's Cloud Connector; neither imports the other.
"""
