"""The command line `veil`: data on stdout, everything else on stderr; 0 done, 1 failed, 2 wrong usage."""

import os
import sys

import click

from agents.cli import audit, disclosures, jobs, keys, letters, looking, operate, policy
from pipeline.errors import VeilError
from pipeline.logs import describe
from pipeline.settings import WrongSettings


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="veilstream")
def veil() -> None:
    """Send data through OpenAI without OpenAI, the broker or a log file holding it.

    \b
    A first look (starts a broker and a stub of OpenAI by itself):
      veil demo
    \b
    A deployment, step by step:
      veil policy check policy.toml      what is replaced, and what is wrong in the file
      veil keys init --dir keys          one key folder a role
      veil topics create                 the topics on your broker
      veil worker --role all             all roles in one process
      veil submit jobs.jsonl --wait      one job a line, one result a line
      veil doctor                        what is wrong, and what lies raw on disk

    Settings come from veil.toml (or --config FILE), overlaid by variables such as
    VEIL__KAFKA__BOOTSTRAP_SERVERS=host:9092. OPENAI_API_KEY and OPENAI_BASE_URL choose the service.
    """


for command in (
    operate.demo,
    operate.worker,
    jobs.submit,
    jobs.results,
    looking.detect,
    looking.redact,
    policy.policy,
    operate.topics,
    keys.keys,
    letters.dlq,
    audit.audit,
    disclosures.disclosures,
    operate.doctor,
):
    veil.add_command(command)


def main() -> None:
    """Run a command; every fault ends in one line and an exit code, never in a traceback."""
    try:
        code = veil.main(standalone_mode=False)
    except click.ClickException as exc:
        exc.show()
        sys.exit(exc.exit_code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
    except BrokenPipeError:
        # Whoever read our output went away; nothing is wrong. Python's own flush must not fail either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except VeilError as error:
        click.echo(f"veil: {error.detail or error.code} [{error.code}]", err=True)
        sys.exit(2 if isinstance(error, WrongSettings) else 1)
    except Exception as exc:
        # A message could hold a value; types and places cannot.
        click.echo("veil: unexpected fault\n" + "\n".join(describe(exc)), err=True)
        sys.exit(1)
    sys.exit(code if isinstance(code, int) else 0)
