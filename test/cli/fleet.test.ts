import { describe, expect, test } from 'vitest';
import { lacks } from '../support/components.ts';
import { startFleet } from '../support/fleet.ts';

describe('two fleets with ports of their own', () => {
  test('run side by side, and one goes without the other', async () => {
    await using first = await startFleet({ programs: ['setpriv'] });
    await using second = await startFleet({ programs: ['setpriv'] });
    const [one, two] = await Promise.all([first, second].map((fleet) => fleet.createSession({ browser: 'testcard' })));
    expect(new URL(one!.vnc!.ws).port).toBe(new URL(first.url).port);
    expect(new URL(two!.vnc!.ws).port).toBe(new URL(second.url).port);
    expect(await first.api('GET', '/sessions')).toMatchObject([{ id: one!.id }]);

    expect((await first.cli(['down'])).exitCode).toBe(0);
    expect((await second.cli(['status'])).exitCode).toBe(0);
    expect(await second.api('GET', '/sessions')).toMatchObject([{ id: two!.id, status: 'ready' }]);
    expect((await first.cli(['up', '--detach', '--wait'])).stdout).toBe(`${first.url}/`);
  });
});

describe.skipIf(lacks('traefik'))('the ingress of a fleet', () => {
  test('is Traefik where it is on PATH, and the embedded one where it is not; `up` says which', async () => {
    await using fleet = await startFleet();
    const status = JSON.parse((await fleet.cli(['status', '--json'])).stdout) as { ingress: string };
    expect(status.ingress).toBe('traefik');
    expect(fleet.processes('traefik', '--configfile').length).toBe(1);
    await fleet.cli(['down']);
    const again = await fleet.cli(['up', '--detach', '--json']);
    expect(JSON.parse(again.stdout)).toMatchObject({ ingress: 'traefik', url: `${fleet.url}/` });
    expect(again.stderr).toContain('Up, served by Traefik.');
  });
});
