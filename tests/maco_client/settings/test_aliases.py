from __future__ import annotations

import pytest

from maco_client.failures import SettingsError
from maco_client.settings import check_alias


@pytest.mark.parametrize("alias", ["sap_cloud", "SAP_root", "hcicertificate", "hcicertificate1", "hcimsgcertificate"])
def test_what_sap_keeps_for_itself_is_refused(alias: str) -> None:
    with pytest.raises(SettingsError, match="reserved"):
        check_alias(alias)


@pytest.mark.parametrize("alias", ["", "a\nb", "a/b", "x" * 121])
def test_what_is_no_alias_is_refused(alias: str) -> None:
    with pytest.raises(SettingsError) as caught:
        check_alias(alias)

    assert caught.value.field == "alias"


@pytest.mark.parametrize("alias", ["mail-root", "sapling", "hcicertificate2", "Stadtwerke Stammzertifikat 2026"])
def test_every_other_name_is_an_alias(alias: str) -> None:
    check_alias(alias)
