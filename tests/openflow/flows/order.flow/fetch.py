import wmill


def main(number: int, currency: str):
    if number < 0:
        return wmill.get_resume_urls()
    items = [{"price": 10, "count": number}, {"price": 1.6, "count": 2}]
    return {"number": number, "currency": currency, "items": items}
