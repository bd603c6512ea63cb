import type { ReactElement } from "react";
import { usd } from "../../ui/money.js";
import type { Stacked } from "./series.js";

const HEIGHT = 180;
/** Of one day, in units of the picture; a fifth of it is the gap. */
const WIDTH = 10;

/** One bar a day, made of the series; the table under it tells the same. */
export function StackedBars({ chart }: { readonly chart: Stacked }): ReactElement {
  const { bars, keys, highest } = chart;
  const scale = highest === 0 ? 0 : HEIGHT / highest;
  const first = bars[0]?.day ?? "";
  const last = bars.at(-1)?.day ?? "";
  return (
    <figure className="chart">
      <p className="quiet">{usd(highest)} a day at most</p>
      <svg
        viewBox={`0 0 ${bars.length * WIDTH} ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`Costs by day from ${first} to ${last}, UTC`}
      >
        {bars.flatMap((bar, place) =>
          bar.parts.map((part) => (
            <rect
              key={`${bar.day} ${part.series}`}
              className={`series-${part.series}`}
              x={place * WIDTH + WIDTH * 0.1}
              width={WIDTH * 0.8}
              y={HEIGHT - part.to * scale}
              height={(part.to - part.from) * scale}
            >
              <title>{`${bar.day}: ${keys[part.series]} ${usd(part.to - part.from)}, in all ${usd(bar.total)}`}</title>
            </rect>
          )),
        )}
      </svg>
      <figcaption>
        <span>{first}</span>
        <span className="quiet">days in UTC</span>
        <span>{last}</span>
      </figcaption>
    </figure>
  );
}
