/** The look of the report page: light and dark, no font and no file from elsewhere. */
export const STYLE = `
:root{color-scheme:light dark;
--ground:light-dark(#f6f8fb,#0b0e14);--card:light-dark(#fff,#131822);--line:light-dark(#dde4ed,#252d3b);
--text:light-dark(#0f172a,#e2e8f0);--quiet:light-dark(#55637a,#93a1b5);
--pass:light-dark(#0f766e,#5eead4);--fail:light-dark(#b91c1c,#f87171);--warn:light-dark(#92610a,#fbbf24);
--pass-soft:light-dark(#e3f5f2,#10302d);--fail-soft:light-dark(#fdecec,#3a1719);--warn-soft:light-dark(#fdf3dc,#362a10);
font:15px/1.5 system-ui,-apple-system,"Segoe UI",sans-serif}
*{box-sizing:border-box}
body{max-width:72rem;margin:0 auto;padding:2rem 1.25rem 4rem;background:var(--ground);color:var(--text)}
h1{font-size:1.25rem;line-height:1.4;margin:.375rem 0 .25rem;text-wrap:pretty}
h2{font-size:.8125rem;letter-spacing:.06em;text-transform:uppercase;color:var(--quiet);margin:2.25rem 0 .625rem}
p{margin:.25rem 0;color:var(--quiet)}
code{font:.875em/1.4 ui-monospace,SFMono-Regular,Menlo,monospace;overflow-wrap:anywhere}
.card,.path{background:var(--card);border:1px solid var(--line);border-radius:.75rem}
.hero{padding:1.25rem 1.5rem;border-left:.375rem solid var(--quiet)}
.hero.pass{border-left-color:var(--pass)}.hero.fail{border-left-color:var(--fail)}
.hero.warn,.hero.unknown{border-left-color:var(--warn)}
.badge{display:inline-block;padding:.0625rem .625rem;border-radius:99px;font-size:.8125rem;font-weight:600;
background:var(--line);color:var(--quiet)}
.badge.pass{background:var(--pass-soft);color:var(--pass)}.badge.fail{background:var(--fail-soft);color:var(--fail)}
.badge.warn,.badge.unknown{background:var(--warn-soft);color:var(--warn)}
.path{list-style:none;margin:0;padding:.5rem}
.path li{display:grid;grid-template-columns:1.25rem 5.5rem 9rem 5.5rem minmax(0,1fr);gap:0 .75rem;padding:.375rem .75rem;
border-radius:.5rem;align-items:baseline}
.path li.fail{background:var(--fail-soft)}.path li.warn,.path li.unknown{background:var(--warn-soft)}
.path i{font-style:normal;color:var(--quiet);text-align:right}.state{font-weight:600}
.path .time{font-variant-numeric:tabular-nums;text-align:right}.path .note{color:var(--quiet);overflow-wrap:anywhere}
.state.pass{color:var(--pass)}.state.fail{color:var(--fail)}.state.warn,.state.unknown{color:var(--warn)}
.state.skip{color:var(--quiet)}
.finding{padding:1rem 1.25rem;margin:0 0 .75rem;border-left:.375rem solid var(--fail)}
.finding.warn{border-left-color:var(--warn)}.finding.info{border-left-color:var(--quiet)}
dl{display:grid;grid-template-columns:6.5rem minmax(0,1fr);gap:.375rem 1rem;margin:.75rem 0 0}
dt{color:var(--quiet)}dd{margin:0;overflow-wrap:anywhere}
.remedy{font-weight:600}
.scroll{overflow-x:auto;padding:0 1.25rem}
table{width:100%;border-collapse:collapse}
th,td{padding:.5rem .875rem .5rem 0;border-bottom:1px solid var(--line);text-align:left;vertical-align:top}
th{color:var(--quiet);font-weight:500;font-size:.8125rem;white-space:nowrap}
tr:last-child td{border-bottom:0}
td.number{white-space:nowrap;font-variant-numeric:tabular-nums}
.skips{padding:.75rem 1.25rem;margin:0}
@media(max-width:40rem){dl{grid-template-columns:1fr;gap:0}dd{margin-bottom:.5rem}.path li{grid-template-columns:1.25rem 1fr auto auto}.path .note{grid-column:2/-1}}
@media print{body{max-width:none;padding:0}}
`;
