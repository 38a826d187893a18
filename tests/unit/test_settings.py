"""Settings: strict, from file and environment, and an error that says which key is wrong."""

from pathlib import Path

import pytest

from pipeline.settings import Settings, TenantSettings, WrongSettings, load_settings


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "veil.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_defaults_need_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert load_settings(environ={}) == Settings()


def test_the_environment_lies_over_the_file(tmp_path: Path) -> None:
    path = write(tmp_path, '[kafka]\nbootstrap_servers = "a:1"\npartitions = 8\n[keys]\ndir = "k"')
    settings = load_settings(path, {"VEIL__KAFKA__BOOTSTRAP_SERVERS": "b:2", "VEIL__POLICY__ACCEPT_PLAIN": "true"})
    assert settings.kafka.bootstrap_servers == "b:2"
    assert settings.kafka.partitions == 8
    assert settings.keys.dir == Path("k")
    assert settings.policy.accept_plain is True


def test_every_setting_is_in_the_readme() -> None:
    told = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")
    names = {
        f"{section}.{name}"
        for section in Settings.__struct_fields__
        if section != "tenants"
        for name in getattr(Settings(), section).__struct_fields__
    } | {f"tenants.NAME.{name}" for name in TenantSettings.__struct_fields__}
    rows = "".join(line.split("|")[1] for line in told.splitlines() if line.startswith("| `"))
    assert {name for name in names if f"`{name}`" not in rows} == set()


def test_a_list_is_given_with_commas() -> None:
    settings = load_settings(environ={"VEIL__OPENAI__ALLOWED_HOSTS": "a.example, b.example"})
    assert settings.openai.allowed_hosts == ("a.example", "b.example")


def test_a_file_in_the_folder_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "[delivery]\nlinger = 0.5")
    monkeypatch.chdir(tmp_path)
    assert load_settings(environ={}).delivery.linger == 0.5


@pytest.mark.parametrize(
    ("text", "environ", "says"),
    [
        ("[kafka]\nbootstrap = 1", {}, "unknown setting kafka.bootstrap"),
        ("[kafak]\n", {}, "unknown setting kafak"),
        ("", {"VEIL__KAFKA__BOOTSTRAP": "x"}, "unknown setting kafka.bootstrap"),
        ("[kafka]\npartitions = 0", {}, "kafka.partitions"),
        ("[kafka]\npartitions = 'many'", {}, "kafka.partitions"),
        ("[log]\nlevel = 'LOUD'", {}, "log.level"),
        ("[kafka\n", {}, "line 1"),
        ("", {"VEIL__KAFKA": "x"}, "VEIL__SECTION__KEY"),
    ],
    ids=["key", "section", "variable", "range", "type", "word", "syntax", "form"],
)
def test_a_wrong_setting_is_named(tmp_path: Path, text: str, environ: dict[str, str], says: str) -> None:
    with pytest.raises(WrongSettings, match=says):
        load_settings(write(tmp_path, text), environ)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(WrongSettings, match="cannot be read"):
        load_settings(tmp_path / "none.toml", {})


def test_a_password_is_not_shown() -> None:
    settings = load_settings(environ={"VEIL__KAFKA__SASL_PASSWORD": "canary"})
    assert "canary" not in repr(settings)
