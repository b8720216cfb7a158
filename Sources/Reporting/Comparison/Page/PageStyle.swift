/// How the page looks: the reader's own fonts, one column of text, and drawings as wide as a phone, beside each other
/// where there is room.
///
/// The transports' colours differ in lightness as well as in hue, and everything in them is named, too.
enum PageStyle {
    static let rules: StaticString = """
        :root{color-scheme:light dark;--paper:#fff;--ink:#1c2128;--soft:#59636e;--rule:#d4dae0;--band:#eef1f4;\
        --quic:#0a5fb4;--tls:#b04a06;--tcp:#0b7a55;--udp:#8a3d8f}
        @media screen and (prefers-color-scheme:dark){:root{--paper:#11161c;--ink:#e4e8ec;--soft:#9ba6b1;--rule:#323b45;\
        --band:#1b232c;--quic:#6ab4ff;--tls:#f0935a;--tcp:#46c795;--udp:#d898dc}}
        *{box-sizing:border-box}
        html{-webkit-text-size-adjust:100%;text-size-adjust:100%}
        body{margin:0;background:var(--paper);color:var(--ink);font:1rem/1.5 system-ui,sans-serif;\
        font-variant-numeric:tabular-nums}
        main{max-width:70rem;margin:0 auto;padding:1.5rem 1rem 3rem}
        h1{font-size:1.6rem;line-height:1.25;margin:0}
        h2{font-size:1.15rem;margin:1.75rem 0 .5rem;padding-top:.6rem;border-top:1px solid var(--rule)}
        header p{margin:.25rem 0 0}
        #verdict h2{margin-top:1.25rem}
        p,ul{max-width:44rem;margin:.5rem 0;overflow-wrap:anywhere;text-wrap:pretty}
        ul{padding-left:1.2rem}
        li{margin:.25rem 0}
        time{white-space:nowrap}
        .verdict{font-size:1.15rem;line-height:1.4}
        .soft,figcaption,footer{color:var(--soft)}
        h3{font-size:.875rem;line-height:1.35;margin:0 0 .4rem}
        figcaption{font-size:.8125rem;line-height:1.35;margin-top:.3rem}
        footer{margin-top:3rem;padding-top:.6rem;border-top:1px solid var(--rule);font-size:.875rem}
        code{font:.9em ui-monospace,monospace}
        .grid{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,19rem),1fr));gap:1.25rem 1.5rem;margin:1rem 0}
        .grid .scroll{margin:0}
        figure{margin:0;break-inside:avoid}
        svg{display:block;width:100%;max-width:26rem;height:auto;\
        font:11px system-ui,sans-serif;fill:var(--ink)}
        .scroll{overflow-x:auto;margin:1rem 0}
        table{border-collapse:collapse;font-size:.875rem;line-height:1.35}
        caption{text-align:left;color:var(--soft);padding-bottom:.25rem}
        th,td{text-align:left;vertical-align:top;font-weight:400;padding:.2rem .9rem .2rem 0}
        th.n,td.n{text-align:right;white-space:nowrap}
        thead th{color:var(--soft);border-bottom:1px solid var(--rule)}
        tbody+tbody tr:first-child>*{border-top:1px solid var(--rule)}
        tr{break-inside:avoid}
        #settings caption{color:var(--ink);font-weight:600}
        #settings tbody th,#request tbody th{color:var(--soft)}
        #settings td{overflow-wrap:anywhere}
        h3,th.quic,th.tls,th.tcp,th.udp,.name{font-weight:600}
        .name,.value{paint-order:stroke;stroke:var(--paper);stroke-width:3px}
        .quic{color:var(--quic)}.tls{color:var(--tls)}.tcp{color:var(--tcp)}.udp{color:var(--udp)}
        .tick{fill:var(--soft)}
        text.quic,text.tls,text.tcp,text.udp{fill:currentColor}
        svg line{stroke:var(--rule)}
        svg .axis{stroke:var(--soft)}
        svg .one,svg .interval{stroke:var(--ink)}
        svg .interval{stroke-width:1.5}
        svg .ratio{fill:var(--ink)}
        .alike,.warm-up{fill:var(--band)}
        svg .round,svg .median{fill:none;stroke:currentColor;stroke-linejoin:round;stroke-linecap:round}
        svg .median{stroke-width:2.2}
        svg .whisker,svg .middle{stroke:currentColor}
        svg .middle{stroke-width:2.5}
        .box{fill:currentColor;fill-opacity:.16;stroke:currentColor}
        .dot{fill:currentColor;fill-opacity:.75}
        @media (max-width:30rem){table{font-size:.8125rem}th,td{padding-right:.55rem}}
        @media print{main{max-width:none;padding:0}.scroll{overflow:visible}h2{break-after:avoid}body{font-size:10pt}}
        """
}
