import { init } from "echarts";
import { THIS_PROGRAM, type Measure } from "./measure.ts";
import type { Result } from "./result.ts";
import { spreadOf } from "./spread.ts";
import { number } from "./tables.ts";

const WIDTH = 760;
const LEFT = 220;
const ROW = 26;
/** Title and axis of a panel. */
const AROUND = 74;
/** Of the figures beside the names of the subjects. */
const FIGURE = 62;

/** Colours by role, in light and in dark. */
const COLOURS = {
    text: ["#1f2328", "#e6edf3"],
    line: ["#d1d9e0", "#3d444d"],
    own: ["#0969da", "#4493f8"],
    other: ["#818b98", "#9198a1"],
    spread: ["#24292f", "#f0f6fc"],
    goal: ["#1a7f37", "#3fb950"],
} as const;
const [TEXT, LINE, OWN, OTHER, SPREAD, GOAL] = Object.values(COLOURS).map(([light]) => light);

/** Bars of the medians with the range of the runs, a panel for each name. Undefined if there is nothing to draw. Pure. */
export function renderPlot({ part, measures }: Pick<Result, "part" | "measures">): string | undefined {
    const panels = [...new Set(measures.map(({ name }) => name))]
        .map((name) => measures.filter((measure) => measure.name === name))
        .filter(isWorthPlotting);
    if (panels.length === 0) return undefined;
    const heights = panels.map((panel) => panel.length * ROW + AROUND);
    const tops = heights.map((_, index) => heights.slice(0, index).reduce((sum, height) => sum + height, 0));
    const height = heights.reduce((sum, one) => sum + one, 0);
    const chart = init(null, null, { renderer: "svg", ssr: true, width: WIDTH, height });
    try {
        chart.setOption({
            animation: false,
            title: panels.map((panel, index) => titleOf(panel, tops[index]!)),
            grid: panels.map((panel, index) => ({
                left: LEFT,
                right: 70,
                top: tops[index]! + 34,
                height: panel.length * ROW,
            })),
            xAxis: panels.map((panel, index) => ({
                type: "value",
                gridIndex: index,
                min: 0,
                ...scaleOf(panel),
                axisLabel: { color: TEXT },
                splitLine: { lineStyle: { color: LINE } },
            })),
            yAxis: panels.map((panel, index) => ({
                type: "category",
                gridIndex: index,
                inverse: true,
                data: panel.map(({ subject, values }) => `${subject} ${number(spreadOf(values).median)}`),
                axisLabel: {
                    ...{ color: TEXT, fontSize: 13 },
                    // In columns: a text as a whole is aligned to the right.
                    formatter: (label: string) => label.replace(/(.*) (.*)/, "$1{figure|$2}"),
                    rich: { figure: { color: TEXT, fontSize: 13, width: FIGURE, align: "right" } },
                },
                axisLine: { lineStyle: { color: LINE } },
                axisTick: { show: false },
            })),
            series: panels.flatMap((panel, index) => [bars(panel, index), ranges(panel, index)]),
        });
        return readableInBoth(chart.renderToSVGString({ useViewBox: true }), part);
    } finally {
        // Its timers would keep the process running.
        chart.dispose();
    }
}

/** A figure without a rival and without a goal is better read in the table. */
function isWorthPlotting(panel: readonly Measure[]): boolean {
    const drawn = panel.some(({ values }) => spreadOf(values).max > 0);
    return drawn && !panel.some(({ aside }) => aside) && (panel.length > 1 || goalOf(panel) !== undefined);
}

/** An axis that ends at a round number and shows the goal, too, which echarts does not count. */
function scaleOf(panel: readonly Measure[]): { max: number; interval: number } {
    const most = Math.max(goalOf(panel) ?? 0, ...panel.flatMap(({ values }) => values));
    const rough = most / 5;
    const unit = 10 ** Math.floor(Math.log10(rough));
    const interval = unit * [1, 2, 5, 10].find((step) => step * unit >= rough)!;
    return { max: interval * Math.ceil(most / interval), interval };
}

function titleOf(panel: readonly Measure[], top: number) {
    const [{ name, unit, better } = panel[0]!] = panel;
    const goal = goalOf(panel);
    const what = [unit && unit !== "ratio" ? `${name}, ${unit}` : name, `${better} is better`];
    if (goal !== undefined) what.push(`goal: ${number(goal)}`);
    return { text: what.join(" · "), left: 8, top: top + 6, textStyle: { color: TEXT, fontSize: 14 } };
}

const goalOf = (panel: readonly Measure[]) => panel.find(({ goal }) => goal !== undefined)?.goal;

function bars(panel: readonly Measure[], index: number) {
    const goal = goalOf(panel);
    return {
        type: "bar",
        xAxisIndex: index,
        yAxisIndex: index,
        barWidth: 15,
        data: panel.map(({ subject, values }) => ({
            value: spreadOf(values).median,
            itemStyle: { color: subject === THIS_PROGRAM ? OWN : OTHER },
        })),
        markLine: goal
            ? {
                  symbol: "none",
                  silent: true,
                  lineStyle: { color: GOAL, type: "dashed", width: 2 },
                  label: { show: false },
                  data: [{ xAxis: goal }],
              }
            : undefined,
    };
}

/** The range from the smallest to the largest value. */
function ranges(panel: readonly Measure[], index: number) {
    return {
        type: "custom",
        xAxisIndex: index,
        yAxisIndex: index,
        encode: { x: [1, 2], y: 0 },
        data: panel.map(({ values }, row) => [row, spreadOf(values).min, spreadOf(values).max]),
        renderItem: (_: unknown, api: { value(i: number): number; coord(point: number[]): number[] }) => {
            const [x1, y] = api.coord([api.value(1), api.value(0)]) as [number, number];
            const [x2] = api.coord([api.value(2), api.value(0)]) as [number, number];
            const line = (shape: object) => ({ type: "line", shape, style: { stroke: SPREAD, lineWidth: 1.5 } });
            return {
                type: "group",
                children: [
                    line({ x1, y1: y, x2, y2: y }),
                    line({ x1, y1: y - 4, x2: x1, y2: y + 4 }),
                    line({ x1: x2, y1: y - 4, x2, y2: y + 4 }),
                ],
            };
        },
    };
}

/** Adds a style that swaps the colours in dark mode, and what a screen reader says. */
function readableInBoth(svg: string, part: string): string {
    const rules = Object.values(COLOURS).flatMap(([light, dark]) =>
        ["fill", "stroke"].map((kind) => `[${kind}="${light}"]{${kind}:${dark}}`),
    );
    const style = `<title>Benchmark: ${part}</title><style>@media (prefers-color-scheme:dark){${rules.join("")}}</style>`;
    // Rules for a pointer that an image never sees, with class names that count all plots of the process.
    const still = svg.replace(/<style >[\s\S]*?<\/style>\n/, "").replace(/ (class|ecmeta_\w+)="[^"]*"/g, "");
    return `${still.replace(/(<svg[^>]*>)/, `$1${style}`)}\n`;
}
