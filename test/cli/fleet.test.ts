import { describe, expect, test } from 'vitest';
import { lacks } from '../support/components.ts';
import { newFleet, startFleet } from '../support/fleet.ts';

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
  });
});

describe.skipIf(lacks('traefik'))('the ingress of a fleet', () => {
  test('is Traefik where it is on PATH, and `up` and `status` say so', async () => {
    await using fleet = await newFleet();
    const up = await fleet.cli(['up', '--detach', '--json']);
    expect(JSON.parse(up.stdout)).toMatchObject({ ingress: 'traefik', url: `${fleet.url}/` });
    expect(up.stderr).toContain('Up, served by Traefik.');
    expect(fleet.processes('traefik', '--configfile').length).toBe(1);
    expect((await fleet.cli(['status'])).stdout).toContain('served by traefik');
  });
});
