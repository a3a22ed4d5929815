"""Small files of every format, what malice makes of them, and what damage does."""

from hypothesis import strategies as st

OFX = (
    b"OFXHEADER:100\nDATA:OFXSGML\nCHARSET:1252\n\n<OFX><BANKMSGSRSV1><STMTTRNRS><STMTRS><CURDEF>EUR<BANKACCTFROM>"
    b"<BANKID>1<ACCTID>2</BANKACCTFROM><BANKTRANLIST><STMTTRN><DTPOSTED>20260402<TRNAMT>-2.80<FITID>1A<NAME>CAF\xc9"
    b"</STMTTRN><STMTTRN><DTPOSTED>20260403</DTPOSTED><TRNAMT>7,5</TRNAMT><FITID>1B</FITID><MEMO>A &amp; B</MEMO>"
    b"<CURRENCY><CURSYM>USD</CURRENCY></STMTTRN></BANKTRANLIST><LEDGERBAL><BALAMT>4.70<DTASOF>20260403</LEDGERBAL>"
    b"</STMTRS></STMTTRNRS></BANKMSGSRSV1></OFX>"
)
CSV = (
    b'Date,Description,Amount,Currency,Balance\r\n02/04/2026,"Tea, ""green""",-2.80,EUR,97.20\r\n'
    b"13/04/2026,Caf\xc3\xa9,1.00,EUR,98.20\r\n"
)
CAMT = (
    b"<Document><BkToCstmrStmt><Stmt><Acct><Id><IBAN>NL1</IBAN></Id></Acct><Bal><Tp><CdOrPrtry><Cd>CLBD</Cd></CdOrPrtry>"
    b'</Tp><Amt Ccy="EUR">4.70</Amt><CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-04-03</Dt></Dt></Bal><Ntry>'
    b'<Amt Ccy="EUR">2.80</Amt><CdtDbtInd>DBIT</CdtDbtInd><Sts>BOOK</Sts><BookgDt><Dt>2026-04-02</Dt></BookgDt>'
    b"<AcctSvcrRef>1A</AcctSvcrRef>"
    b'<NtryDtls><TxDtls><RmtInf><Ustrd>CAF\xc3\x89</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry><Ntry><Amt Ccy="EUR">7.5'
    b"</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><BookgDt><DtTm>2026-04-03T10:00:00Z</DtTm></BookgDt></Ntry>"
    b"</Stmt></BkToCstmrStmt></Document>"
)
MT940 = (
    b":20:1\r\n:25:NL1\r\n:60F:C260401EUR0,\r\n:61:2604020402D2,80NTRFNONREF//0012345678\r\n:86:020?00CAF\xc3\x89?20A\r\n"
    b":61:260403C7,5NTRFNONREF\r\n:62F:C260403EUR4,70\r\n-\r\n"
)
QIF = b"!Type:Bank\nD04/02/2026\nT-2.80\nPCAF\xc3\x89\nSFood\n$-2.80\n^\nD04/13/2026\nT7.5\nMTea\n^\n"
BROKER = (
    b"OFXHEADER:100\n\n<OFX><INVSTMTMSGSRSV1><INVSTMTTRNRS><INVSTMTRS><DTASOF>20260430<CURDEF>USD<INVACCTFROM><ACCTID>X"
    b"</INVACCTFROM><INVTRANLIST><BUYSTOCK><INVBUY><INVTRAN><FITID>1A<DTTRADE>20260402</INVTRAN><SECID><UNIQUEID>037833100"
    b"<UNIQUEIDTYPE>CUSIP</SECID><UNITS>2.5<UNITPRICE>1.12<TOTAL>-2.80</INVBUY></BUYSTOCK><INCOME><INVTRAN><FITID>1B<DTTRADE>"
    b"20260403</INVTRAN><SECID><UNIQUEID>9</SECID><INCOMETYPE>DIV<TOTAL>7,5</INCOME><TRANSFER><INVTRAN><FITID>1C<DTTRADE>"
    b"20260404</INVTRAN><SECID><UNIQUEID>9</SECID><UNITS>1<TFERACTION>OUT</TRANSFER></INVTRANLIST><INVPOSLIST><POSMF><INVPOS>"
    b"<SECID><UNIQUEID>9</SECID><UNITS>4<MKTVAL>8</INVPOS></POSMF></INVPOSLIST><INVBAL><AVAILCASH>4.70</INVBAL></INVSTMTRS>"
    b"</INVSTMTTRNRS></INVSTMTMSGSRSV1><SECLISTMSGSRSV1><SECLIST><MFINFO><SECINFO><SECID><UNIQUEID>9</SECID><SECNAME>Caf\xc3\xa9"
    b"</SECINFO></MFINFO></SECLIST></SECLISTMSGSRSV1></OFX>"
)
QIF_BROKER = (
    b"!Type:Security\nNACME\nSACM\nTStock\n^\n"
    b"!Type:Invst\nD04/02/2026\nNBuy\nYACME\nI1 1/8\nQ2.5\nT2.80\n^\nD04/13/2026\n"
    b"NShrsOut\nYACM\nQ1\n^\nD04/14/2026\nNStkSplit\nYACM\nQ20\n^\nD04/14/2026\nNDiv\nT7.5\n^\n"
    b'!Type:Prices\n"ACM",1.5,"4/14\' 6"\n^\n'
)

HOSTILE = {
    "deep nesting": OFX.replace(b"<BANKTRANLIST>", b"<A>" * 300_000 + b"<BANKTRANLIST>", 1),
    "a tag without an end": OFX.replace(b"</OFX>", b"<" + b"a" * 2_000_000 + b"</OFX>"),
    "open sections": OFX.replace(b"</OFX>", b"<![CDATA[" * 200_000 + b"</OFX>"),
    "open comments": b"<!--" * 300_000 + OFX,
    "closed comments": b"<!-- -->" * 8_000 + b"<p" + OFX,
    "deep XML": CAMT.replace(b"<Acct>", b"<A>" * 300_000 + b"<Acct>", 1),
    "broad XML": CAMT.replace(b"<Acct>", b"<A/>" * 300_000 + b"<Acct>", 1),
    "a broad entry": CAMT.replace(b"<Ntry>", b"<Ntry>" + b"<A/>" * 300_000, 1),
    "XML entities": b'<!DOCTYPE Document [<!ENTITY a "x">]>' + CAMT,
    "XML cut off": CAMT[:-40],
    "a huge XML text": CAMT.replace(b"CAF", b"x" * 3_000_000),
    "a huge statement line": MT940.replace(b":62F:", b":61:" + b"9" * 1_000_000 + b"\r\n:62F:"),
    "many fields": MT940.replace(b":62F:", b":86:x\r\n" * 200_000 + b":62F:"),
    "a huge coded text": MT940.replace(b"?20A", b"?20A" * 300_000),
    "many columns": b"a,b;" * 2_400 + b"\n" + CSV,
    "many envelopes": MT940.replace(b":62F:", b"{1:" * 300_000 + b"\r\n:62F:"),
    "many QIF fields": QIF.replace(b"MTea", b"MTea\nMx" * 300_000),
    "a huge QIF number": QIF.replace(b"^", b"^\nD04/14/2026\nT" + b"9" * 300_000 + b"x\n^", 1),
    "entities": b'<!DOCTYPE x [<!ENTITY a "' + b"a" * 1000 + b'">' + b'<!ENTITY b "&a;&a;">' * 9999 + b"]>" + OFX,
    "a huge field": CSV + b"14/04/2026," + b"x" * 3_000_000 + b",1,EUR,\n",
    "a huge number": CSV + b"14/04/2026,x," + b"9" * 100_000 + b"x,EUR,\n",
    "a huge date": CSV + b"1" * 100_000 + b",x,1,EUR,\n",
    "one strange byte at the end": CSV.replace(b"\xc3\xa9", b"e") + b"x" * 3_000_000 + b"\x81\x8d",
    "many delimiters": b"," * 3_000_000,
    "many points": CSV + b"14/04/2026,x," + b"1." * 50_000 + b",EUR,\n",
    "titles": b"<html>" + b"<title" * 100_000,
    "signs": b"<" * 2_000_000,
    "many corrections": OFX.replace(
        b"</BANKTRANLIST>",
        b"<STMTTRN><DTPOSTED>20260404<TRNAMT>0<FITID>Q<CORRECTFITID>Q<CORRECTACTION>DELETE</STMTTRN>" * 20_000
        + b"</BANKTRANLIST>",
    ),
    "deep trades": BROKER.replace(b"<UNITS>", b"<A>" * 300_000 + b"<UNITS>", 1),
    "huge units": BROKER.replace(b"<UNITS>2.5", b"<UNITS>" + b"9" * 300_000, 1),
    "many securities": BROKER.replace(b"<SECLIST>", b"<SECLIST>" + b"<MFINFO><UNIQUEID>1</MFINFO>" * 100_000, 1),
    "a huge action": QIF_BROKER.replace(b"NBuy", b"N" + b"Buy" * 300_000, 1),
}


@st.composite
def damaged(draw):
    content = bytearray(draw(st.sampled_from([OFX, CSV, CAMT, MT940, QIF, BROKER, QIF_BROKER])))
    for _ in range(draw(st.integers(1, 6))):
        if not content:
            break
        position = draw(st.integers(0, len(content) - 1))
        length = draw(st.integers(1, 12))
        match draw(st.sampled_from(["cut", "drop", "swap", "insert", "repeat"])):
            case "cut":
                del content[position:]
            case "drop":
                del content[position : position + length]
            case "swap":
                content[position] = draw(st.integers(0, 255))
            case "insert":
                content[position:position] = draw(
                    st.sampled_from([b"<", b">", b'"', b",", b"\r", b"</", b"&#x0;", b"\xff"])
                )
            case _:
                content[position:position] = content[position : position + length] * 3
    return bytes(content)
