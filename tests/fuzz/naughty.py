"""Texts that people and programs really type, and that break what was not meant for them. A list of our own."""

from __future__ import annotations

from typing import Final

NAUGHTY: Final[tuple[str, ...]] = (
    # --- what databases, shells, templates, spreadsheets and pages might take for their own
    "'; DROP TABLE cases; --",
    '示例") OR ("1"="1',
    "$(touch x) `id` ; | && ${HOME} %PATH%",
    "{{7*7}} ${7*7} #{7*7} <%= 7*7 %> {case_no} %s %n %(a)s {0}",
    '=HYPERLINK("http://x","示") +1 -1 @SUM(A1)',
    "<script>alert(1)</script><b>&amp;&lt;&#65;&nbsp;",
    "<!DOCTYPE x [<!ENTITY a 'b'>]>&a;]]><![CDATA[x]]>--><!--",
    "../../../../etc/passwd C:\\CON \\\\host\\x file:///x %2e%2e%2f%00",
    "a\\nb\\u0000c\\x00\\\\\\\"d\\'",
    "null undefined NaN true 0x1F 1e400 -0 None [object Object]",
    "a=b&c=d;e=f+g%20h#i?j",
    "一,二;三\t四|五\"六\"'七'",
    "http://[::1]:99999/?x=1#y",
    "0123 ０１２３ ١٢٣ 1.000,00 ½ ²",
    # --- characters beyond what many charsets and programs know
    "𠮷田𪚥龘䶮㐂鿫",
    "𰻝𱁬𬚩",
    "買賣臺灣國語ㄅㄆㄇ・ｱｲｳ",
    "e\u0301 é \u212b Å ﬁ ｆｕｌｌ",
    "İıßſ ΣςK",
    "👩‍👩‍👧‍👦🏳️‍🌈🇨🇳✌🏿",
    "مرحبا שלום \u202eabc\u202c \u2066x\u2069",
    "零\u200b宽\u200d字\u2060符\ufeff号\u00ad",
    "\ue000\uf8ff\U000f0000私用",
    "\ufdd0\ufffe\U0010ffff非字符",
    "替\ufffd换",
    "Z̷̢̛͎̈́a̴̡͠l̶͚̅g̸͇̔o̵͓͊",
    "·—…“”‘’《》〈〉【】〔〕￥％",
    # --- blanks and controls
    "前\u3000全角\u00a0不断行\u2003空格",
    "第一行\r\n第二行\n第三行\r第四行",
    "制\t表\u2028行\u2029段\u0085下",
    "铃\x07退\x08转\x1b[31m删\x7f",
    # --- long ones
    "长" * 60,
    "x" * 120,
    "𠮷" * 40,
)
