"""How the page of a report looks: by day, by night, on a telephone and on paper."""

STYLE = """
:root {
  --ground: #fbfbfa; --card: #ffffff; --ink: #1d2226; --soft: #566069; --edge: #dfe3e6;
  --total: #48576a; --saving: #0f7b53; --loss: #b3341f;
  --s0: #0b62b8; --s1: #b45309; --s2: #0f7b53; --s3: #8b3ea8; --s4: #b3341f; --s5: #48576a;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #14181b; --card: #1b2024; --ink: #e8ecef; --soft: #a5b0b9; --edge: #343c43;
    --total: #8c9db2; --saving: #3fbf8f; --loss: #f0826d;
    --s0: #6db1f5; --s1: #eda655; --s2: #3fbf8f; --s3: #cf93e6; --s4: #f0826d; --s5: #9aa9bb;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 16px/1.55 system-ui, sans-serif; }
main { max-width: 60rem; margin: 0 auto; padding: 2rem 1rem 4rem; }
h1 { font-size: 1.75rem; line-height: 1.2; margin: 0 0 .5rem; text-wrap: balance; }
h2 { font-size: 1.2rem; margin: 0 0 .75rem; }
p { margin: 0 0 .75rem; max-width: 46rem; }
.lead { color: var(--soft); font-size: 1.05rem; margin-bottom: 1.5rem; }
section { background: var(--card); border: 1px solid var(--edge); border-radius: .5rem;
  padding: 1.25rem; margin-top: 1.25rem; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(12.5rem, 1fr)); gap: .75rem; margin: 0; }
.tiles > div { background: var(--card); border: 1px solid var(--edge); border-radius: .5rem; padding: .9rem 1rem; }
.tiles dt { color: var(--soft); font-size: .875rem; line-height: 1.35; }
.tiles dd { margin: .25rem 0 0; font-size: 1.5rem; font-weight: 650; font-variant-numeric: tabular-nums;
  line-height: 1.25; }
.tiles small { display: block; font-size: .8125rem; font-weight: 400; color: var(--soft); margin-top: .2rem; }
figure { margin: 0 0 1.25rem; }
figcaption { font-weight: 600; margin-bottom: .35rem; }
.plot, .scrolling { overflow-x: auto; }
.plot:focus-visible, .scrolling:focus-visible { outline: 2px solid var(--s0); outline-offset: 2px; }
.plot svg { display: block; width: 100%; max-width: 46rem; height: auto; }
svg text { fill: var(--soft); font-size: 11px; font-variant-numeric: tabular-nums; }
svg .label { fill: var(--ink); }
svg .grid { stroke: var(--edge); }
svg .total { fill: var(--total); } svg .saving { fill: var(--saving); } svg .loss { fill: var(--loss); }
svg .line { fill: none; stroke: var(--colour); stroke-width: 2.25; stroke-linejoin: round; }
svg .dot { fill: var(--colour); stroke: var(--card); stroke-width: 1.5; }
.series-0 { --colour: var(--s0); } .series-1 { --colour: var(--s1); } .series-2 { --colour: var(--s2); }
.series-3 { --colour: var(--s3); } .series-4 { --colour: var(--s4); } .series-5 { --colour: var(--s5); }
svg .series-1.line { stroke-dasharray: 7 4; }
.axis { color: var(--soft); font-size: .875rem; margin: 0 0 .25rem; }
.legend { list-style: none; display: flex; flex-wrap: wrap; gap: .25rem 1.1rem;
  margin: 0 0 .5rem; padding: 0; font-size: .875rem; }
.key { display: inline-block; width: 1.1rem; height: .2rem; margin-right: .4rem;
  vertical-align: middle; background: var(--colour); }
.key.point { width: .65rem; height: .65rem; border-radius: 50%; }
table { border-collapse: collapse; width: 100%; font-size: .9375rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: 600; padding: .75rem 0 .35rem; }
th, td { text-align: left; vertical-align: top; padding: .45rem 1rem .45rem 0; border-top: 1px solid var(--edge); }
thead th { border-top: 0; color: var(--soft); font-size: .8125rem; font-weight: 600; }
tbody th { font-weight: 500; min-width: 8rem; overflow-wrap: anywhere; }
td { white-space: nowrap; }
.figures tbody th { width: 60%; min-width: 9rem; }
.note { display: block; color: var(--soft); font-weight: 400; font-size: .8125rem; line-height: 1.4; max-width: 34rem; }
.limits ul { margin: 0; padding-left: 1.2rem; max-width: 46rem; }
.limits li { margin-bottom: .4rem; }
.conditions { margin: 0; font-size: .9375rem; }
.conditions > div { display: grid; grid-template-columns: 11rem 1fr; gap: .25rem 1rem; padding: .3rem 0;
  border-top: 1px solid var(--edge); }
.conditions > div:first-child { border-top: 0; }
.conditions dt { color: var(--soft); }
.conditions dd { margin: 0; overflow-wrap: anywhere; }
@media (max-width: 40rem) {
  main { padding: 1.25rem .75rem 3rem; }
  section { padding: 1rem; }
  svg text { font-size: 15.5px; }
  td { white-space: normal; }
  th, td { padding-right: .6rem; }
  .tiles { grid-template-columns: 1fr 1fr; }
  .tiles dd { font-size: 1.25rem; }
  .conditions > div { grid-template-columns: 1fr; gap: 0; }
}
@media print { section, .tiles > div { break-inside: avoid; } }
"""
