"""The administration of a Cloud Connector: its REST API over HTTPS, acting on the connector that runs.

Shapes, codes and texts are those of recorded exchanges with version 2.19.0.2, then of SAP's pages; see
``docs/rest-api.md``. One file for each family of endpoints; which there are stands in its table ``ENDPOINTS``.
"""
