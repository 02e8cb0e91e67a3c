import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { type RightsRevoked, rightsRevokedSchema } from '../api/index.js';
import { CamofleetError, type Clock } from '../core/index.js';
import { CONTROL_MEMORY } from '../settings/index.js';
import { readStateFile, writeStateFile } from './state-file.js';

/** Tokens that are good once and were redeemed; beyond it none is redeemed: forgetting one would let it in twice. */
const MAX_REDEEMED = 100_000;
/** Revocations; gateways remember as many. Beyond it none is taken, and the caller hears so. */
const MAX_REVOKED = 20_000;
/** The clocks of gateways, which judge `exp`, and ours differ by less. */
const SKEW_SECONDS = 60;
/** No session lives so long; one whose end was missed is forgotten then. */
const REVOKED_MS = 30 * 86_400_000;

const fileSchema = z.strictObject({
  version: z.literal(1),
  /** Since when nothing was forgotten, seconds since the epoch. */
  since: z.int(),
  /** `jti` and `exp` of each. */
  redeemed: z.array(z.tuple([z.string(), z.int()])),
  revoked: z.array(rightsRevokedSchema),
});

type Known = Pick<z.output<typeof fileSchema>, 'redeemed' | 'revoked'>;
const NOTHING: Known = { redeemed: [], revoked: [] };

/**
 * What control must know again after a restart: which tokens that are good once were used, and which rights were taken
 * back. With a folder each fact is on the disk before it is told to anybody; without one it lives as long as the process,
 * and tokens that are good once and older than the process are refused.
 */
export class Memory {
  readonly #redeemed: Map<string, number>;
  #revoked: RightsRevoked[];
  #writing: Promise<void> = Promise.resolve();
  #waiting: Promise<void> | undefined;

  private constructor(
    private readonly file: string | undefined,
    private readonly clock: Clock,
    private readonly since: number,
    known: Known,
  ) {
    this.#redeemed = new Map(known.redeemed);
    this.#revoked = [...known.revoked];
  }

  /**
   * Reads what the last process left, and takes over what `camofleet restore` has put beside it: what came between that
   * backup and now may be known to neither. Throws CF_MEMORY_INVALID for a file that is not as it was written.
   */
  static async open(folder: string, clock: Clock): Promise<{ readonly memory: Memory; readonly isNew: boolean }> {
    const now = Math.floor(clock.now() / 1000);
    if (folder === '') return { memory: new Memory(undefined, clock, now, NOTHING), isNew: true };
    const file = join(folder, CONTROL_MEMORY.file);
    const restoredFile = join(folder, CONTROL_MEMORY.restored);
    const [last, restored] = await Promise.all([read(file), read(restoredFile)]);
    const isWhole = last !== undefined && restored === undefined;
    const memory = new Memory(file, clock, isWhole ? last.since : now, {
      redeemed: [...(restored?.redeemed ?? []), ...(last?.redeemed ?? [])],
      revoked: [...(restored?.revoked ?? []), ...(last?.revoked ?? [])],
    });
    if (!isWhole) await memory.#save(); // a folder that cannot be written is found out now
    if (restored) await rm(restoredFile);
    return { memory, isNew: !last && !restored };
  }

  /** What was taken back, oldest first. */
  get revoked(): readonly RightsRevoked[] {
    return this.#revoked;
  }

  /** Once `redeemed` for a token, ever; `exp` and `iat` are its own, in seconds. */
  async redeem(jti: string, exp: number, iat: number): Promise<'redeemed' | 'known' | 'full'> {
    // One from before our time may have been redeemed by whom we remember nothing of.
    if (this.#redeemed.has(jti) || iat < this.since) return 'known';
    if (this.#redeemed.size >= MAX_REDEEMED) this.#forgetExpired();
    if (this.#redeemed.size >= MAX_REDEEMED) return 'full';
    this.#redeemed.set(jti, exp);
    try {
      await this.#save();
    } catch (error) {
      this.#redeemed.delete(jti); // nobody was let in
      throw error;
    }
    return 'redeemed';
  }

  /** Throws CF_MEMORY_FULL beyond the bound, and what the disk says. */
  async revoke(fact: RightsRevoked): Promise<void> {
    if (this.#revoked.length >= MAX_REVOKED) this.#forgetExpired();
    if (this.#revoked.length >= MAX_REVOKED)
      throw new CamofleetError('CF_MEMORY_FULL', `control remembers ${MAX_REVOKED} revocations already`);
    this.#revoked.push(fact);
    await this.#save();
  }

  /** Its tokens open nothing any more: the runner refuses their password. Written with the next fact. */
  sessionEnded(session: string): void {
    this.#revoked = this.#revoked.filter((fact) => fact.session !== session);
  }

  #forgetExpired(): void {
    const now = this.clock.now();
    for (const [jti, exp] of this.#redeemed) if (exp + SKEW_SECONDS < now / 1000) this.#redeemed.delete(jti);
    this.#revoked = this.#revoked.filter(({ at }) => now - Date.parse(at) < REVOKED_MS);
  }

  /** Resolves when all that is known now is on the disk; who comes during a write shares the next. */
  #save(): Promise<void> {
    if (this.#waiting) return this.#waiting;
    const saving = this.#writing.then(() => {
      this.#waiting = undefined;
      return this.#write();
    });
    this.#waiting = saving;
    this.#writing = saving.catch(() => {}); // its callers hear of it
    return saving;
  }

  async #write(): Promise<void> {
    this.#forgetExpired();
    if (this.file === undefined) return;
    const content: z.output<typeof fileSchema> = {
      version: 1,
      since: this.since,
      redeemed: [...this.#redeemed],
      revoked: this.#revoked,
    };
    await writeStateFile(this.file, `${JSON.stringify(content)}\n`);
  }
}

async function read(file: string): Promise<z.output<typeof fileSchema> | undefined> {
  const text = await readStateFile(file);
  if (text === undefined) return undefined;
  const invalid = (why: string): CamofleetError => new CamofleetError('CF_MEMORY_INVALID', `${file} ${why}`, { file });
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw invalid('is no JSON: it was cut short or altered');
  }
  const parsed = fileSchema.safeParse(json);
  if (!parsed.success) throw invalid(`is not what control writes: ${z.prettifyError(parsed.error)}`);
  return parsed.data;
}
