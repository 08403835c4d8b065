import { TestRunner, type RunnerTask, type RunnerTaskResult, type RunnerTestCase, type RunnerTestSuite } from "vitest";

/**
 * Runs files whose tests build on each other: after the first failure the rest of a file is left out, and each test that
 * is left out names the one that failed. Only the file's own `afterAll` runs then, to clean up.
 */
export default class extends TestRunner {
    #failed: RunnerTask | undefined;

    override async onBeforeRunSuite(suite: RunnerTestSuite): Promise<void> {
        // Its tests are still visited, to be marked. Its hooks would set up what no test uses.
        if (this.#failed) Object.assign(TestRunner.getSuiteHooks(suite), { beforeAll: [], afterAll: [] });
        await super.onBeforeRunSuite(suite);
    }

    override async onBeforeRunTask(test: RunnerTestCase): Promise<void> {
        if (this.#failed && test.mode !== "skip") {
            test.mode = "skip";
            // What the reporter shows behind the title, as with a test that calls skip(note) itself.
            const result: RunnerTaskResult & { note: string } = {
                state: "skip",
                note: `not run, because "${this.#failed.name}" failed`,
            };
            test.result = result;
        }
        await super.onBeforeRunTask(test);
    }

    override onAfterRunTask(test: RunnerTestCase): void {
        this.#note(test);
        super.onAfterRunTask(test);
    }

    override async onAfterRunSuite(suite: RunnerTestSuite): Promise<void> {
        this.#note(suite);
        await super.onAfterRunSuite(suite);
    }

    #note(task: RunnerTask): void {
        if (task.result?.state === "fail") this.#failed ??= task;
    }
}
