"""The bytes of materials: how they come in, and how they are sent on."""

from __future__ import annotations

from typing import Final

SENTENCES: Final[dict[str, str]] = {
    # --- coming in
    "expected a file that is stored, got a new one": "应为已保存的文件，实为新文件",
    "expected a case that takes content, got one that takes none any more": "该办件不再接收内容",
    "expected one of the materials of the case, {names}, got another": "该办件没有此申请材料，现有：{names}",
    "expected the file that the record tells of, got another": "文件与申请材料的记录不符",
    "expected the bytes first given, got others; a material is replaced by a new one": (
        "该申请材料已有另一文件；如需替换，请新增一份申请材料"
    ),
    "expected an upload in good time, got one that was given up": "上传超时，已被放弃",
    "expected a Content-Type such as application/pdf, got something else": "Content-Type 应为 application/pdf 这样的文件格式",
    "expected one digest, got two that differ": "声明了两个不同的摘要",
    "expected a SHA-256 in Base64, got something else": "摘要应为 Base64 编码的 SHA-256",
    "expected an address such as https://gate.example:8443, got something else": "地址应形如 https://gate.example:8443",
    # --- given out
    "expected a material whose file is stored, got none of that id": "没有已上传文件的该申请材料",
    "expected the source that posted the case, got another": "只有提交该办件的来源系统可以读取",
    "expected X-Reason to say why the file is read, got none": "请用请求头 X-Reason 说明读取原因",
    "expected an X-Reason of at most {limit} characters on one line": "请求头 X-Reason 应为一行，不超过 {limit} 个字符",
    "expected a link that holds, got another": "链接无效或已过期",
    "expected every chunk of a stored file, got one missing": "已保存的文件缺少一部分",
    # --- sent on
    "expected a file of at most {most} bytes, got {size}": "文件不得超过 {most} 字节，实为 {size} 字节",
    "{at}: expected an object around it, got another type": "{at}：所在位置应为对象",
    "file_name: expected characters of {charset}, got {got}": "file_name：文件名含有 {charset} 没有的字符 {got}",
    "file could not be read to its end while it left": "发送时未能读完文件",
    # --- what an adapter says
    'expected the place of a member such as "/file/data", got {text!r}': "位置应形如 /file/data，实为 {text}",
    "expected content none or url with this transport, got {way}": "该传输方式的 content 只能为 none 或 url，实为 {way}",
    "expected content only with 'of: material', got 'of: {of}'": "仅 of: material 的报文可以有 content，实为 of: {of}",
    "expected operation {name!r} to have a body for a file, got GET": "操作 {name} 应有请求内容以附文件，实为 GET",
    "expected a member of the form itself for operation {name!r}, got {at!r}": (
        "操作 {name} 的位置应为表单的一项，实为 {at}"
    ),
    "expected 'payload_name', or body: form for operation {name!r}, got body: {body}": (
        "操作 {name} 应为 body: form，或填写 payload_name，实为 body: {body}"
    ),
    "expected a 'payload_name' of its own, got {name!r} again": "payload_name 不得与 name 相同：{name}",
    "expected no Content-Type header for operation {name!r}, got one: it names the boundary": (
        "操作 {name} 不得配置请求头 Content-Type：其中有分隔标记"
    ),
    "expected a signing that leaves the body alone for a file, got {scheme!r}": (
        "附文件时签名方式不得涉及请求内容，实为 {scheme}"
    ),
    "{message}: a file is personal ({kept}); it may not be received (personal, adapter or config.yaml)": (
        "{message}：文件含有个人信息（{kept}），该系统不得接收（见对接配置或 config.yaml 的 personal）"
    ),
    "expected a place that the mapping leaves free, got {at!r}": "字段映射不得填写文件所在的位置 {at}",
    "{system}: expected materials.link_address in the configuration for links to files, got none": (
        "{system}：向对方提供申请材料的链接需要配置 materials.link_address"
    ),
}
