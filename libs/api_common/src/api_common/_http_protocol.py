"""Uvicorn's HTTP/1.1 with the one limit that it lacks: how much may come before a body."""

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from api_common.logging import get_logger

log = get_logger()

LARGEST_HEAD = 64 * 1024
"""Bytes that the line and the headers of a request may have; what comes in one piece may be some times as long."""

_REFUSAL = b"HTTP/1.1 431 Request Header Fields Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class LimitedProtocol(HttpToolsProtocol):
    """Ends a connection whose request does not come to its body; uvicorn would keep all that it sends in memory."""

    _is_in_head = True
    _head = 0

    def on_message_begin(self) -> None:
        """Note that a request begins."""
        self._is_in_head, self._head = True, 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Note that the rest of the request is its body."""
        self._is_in_head = False
        super().on_headers_complete()

    def data_received(self, data: bytes) -> None:
        """Parse what has come, and count it while it belongs to a head that has begun before."""
        was_in_head = self._is_in_head
        super().data_received(data)
        if not (was_in_head and self._is_in_head):
            return
        self._head += len(data)
        if self._head > LARGEST_HEAD and not self.transport.is_closing():
            log.warning("request_head_too_large")
            # Between the parts of an earlier request's answer it would be taken for one of them.
            if self.cycle is None or self.cycle.response_complete:
                self.transport.write(_REFUSAL)
            self.transport.close()
