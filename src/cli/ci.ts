type Env = Readonly<Record<string, string | undefined>>;

/** What a CI system can show beside plain lines. Elsewhere nothing of it is written, and titles are lines. */
export interface CiTalk {
  /** Lines from here to `fold`'s next call, or to `unfold`, are of one part that can be folded. */
  fold(title: string): void;
  unfold(): void;
  /** Something that stands out, beside the log. */
  annotate(note: CiNote): void;
  /** A file that the system shows as the summary of the job, in Markdown; undefined where there is none. */
  readonly summaryFile: string | undefined;
}

export interface CiNote {
  readonly level: 'error' | 'warning' | 'notice';
  readonly title: string;
  readonly message: string;
}

/** Speaks to the CI system that the environment tells of: GitHub Actions, GitLab, or none. */
export function ciTalk(env: Env, write: (text: string) => void, now: () => number): CiTalk {
  if (env['GITHUB_ACTIONS'] === 'true') return githubTalk(env, write);
  if (env['GITLAB_CI'] === 'true') return gitlabTalk(write, now);
  return {
    fold: (title) => write(`\n${title}\n`),
    unfold: () => {},
    annotate: () => {},
    summaryFile: undefined,
  };
}

/** Workflow commands: docs.github.com/actions/reference/workflow-commands-for-github-actions. */
function githubTalk(env: Env, write: (text: string) => void): CiTalk {
  const parts = new Parts(
    (title) => write(`::group::${githubData(title)}\n`),
    () => write('::endgroup::\n'),
  );
  return {
    fold: (title) => parts.begin(title),
    unfold: () => parts.end(),
    annotate: ({ level, title, message }) =>
      write(`::${level} title=${githubProperty(title)}::${githubData(message)}\n`),
    summaryFile: env['GITHUB_STEP_SUMMARY'] || undefined,
  };
}

function githubData(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function githubProperty(text: string): string {
  return githubData(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}

const CLEAR = '\u001B[0K';

/** Sections of job logs: docs.gitlab.com/ci/jobs/job_logs. */
function gitlabTalk(write: (text: string) => void, now: () => number): CiTalk {
  let number = 0;
  const seconds = (): number => Math.floor(now() / 1_000);
  const parts = new Parts(
    (title) => {
      number += 1;
      write(`${CLEAR}section_start:${seconds()}:camofleet_${number}[collapsed=true]\r${CLEAR}${title}\n`);
    },
    () => write(`${CLEAR}section_end:${seconds()}:camofleet_${number}\r${CLEAR}\n`),
  );
  return {
    fold: (title) => parts.begin(title),
    unfold: () => parts.end(),
    annotate: () => {},
    summaryFile: undefined,
  };
}

/** One part at a time: neither system nests them in the same way. */
class Parts {
  #isOpen = false;

  constructor(
    private readonly open: (title: string) => void,
    private readonly close: () => void,
  ) {}

  begin(title: string): void {
    this.end();
    this.#isOpen = true;
    this.open(title);
  }

  end(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.close();
  }
}
