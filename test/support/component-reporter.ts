import type { Reporter, TestModule } from 'vitest/node';
import { COMPONENTS, has, type Component } from './components.ts';

/** Says after a run which tests passed only at the second try, which were skipped, and which missing components explain it. */
export default class ComponentReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    tellUnsteady(modules);
    const skipped = modules.flatMap((module) => [...module.children.allTests('skipped')]);
    const missing = (Object.keys(COMPONENTS) as Component[]).filter((component) => !has(component));
    if (skipped.length === 0) return;
    process.stdout.write(`\n${skipped.length} tests skipped, not passed:\n`);
    for (const test of skipped) process.stdout.write(`  - ${test.module.relativeModuleId}: ${test.fullName}\n`);
    for (const component of missing) process.stdout.write(`  missing ${component}: ${COMPONENTS[component].install}\n`);
  }
}

function tellUnsteady(modules: readonly TestModule[]): void {
  const unsteady = modules.flatMap((module) =>
    [...module.children.allTests('passed')].filter((test) => test.diagnostic()?.flaky),
  );
  if (unsteady.length === 0) return;
  process.stdout.write(`\n${unsteady.length} tests failed first and passed at the second try; each wants a look:\n`);
  for (const test of unsteady) {
    process.stdout.write(`  - ${test.module.relativeModuleId}: ${test.fullName}\n`);
    for (const { message } of test.result().errors ?? []) process.stdout.write(`      ${message.split('\n', 1)[0]}\n`);
  }
}
