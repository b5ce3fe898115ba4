"""A running lab for the tests of other programs: ``lab`` for any framework, the fixtures in ``maco_lab.pytest_plugin``.

The lab lives in one background thread with a loop of its own, so a test may block, and an async test may await: what
takes time has a twin whose name ends in ``_async``.
"""
